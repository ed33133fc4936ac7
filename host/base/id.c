/* SPDX-License-Identifier: MIT
 * id: making, reading and writing our 26-character ids. The one piece of state is the last id made, behind a lock.
 */
#include "base/id.h"

#include <pthread.h>
#include <sodium.h>

static const char alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/* Count the 80 random bits up by one; false when they overflow. */
static bool count_up(struct id *id)
{
    for (int i = 15; i >= 6; i--)
        if (++id->b[i])
            return true;
    return false;
}

static void set_time(struct id *id, int64_t ms)
{
    for (int i = 5; i >= 0; i--, ms >>= 8)
        id->b[i] = (uint8_t)ms;
}

struct id id_new(int64_t wall_ms)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    static struct id last;
    static int64_t last_ms = -1;

    pthread_mutex_lock(&lock);
    if (wall_ms != last_ms || !count_up(&last)) {
        last_ms = wall_ms;
        set_time(&last, wall_ms);
        randombytes_buf(last.b + 6, 10);
        last.b[6] &= 0x7f; /* leaves room to count up within the millisecond */
    }
    struct id made = last;
    pthread_mutex_unlock(&lock);
    return made;
}

int64_t id_time_ms(const struct id *id)
{
    int64_t ms = 0;
    for (int i = 0; i < 6; i++)
        ms = ms << 8 | id->b[i];
    return ms;
}

enum err id_parse(struct span s, struct id *out)
{
    if (s.n != ID_TEXT_BYTES || s.p[0] > '7')
        return ERR_INVALID;
    struct id id = {{0}};
    /* 26 digits of 5 bits are 130 bits; the first digit holds only 3. */
    unsigned acc = 0, bits = 0;
    size_t at = 0;
    for (size_t i = 0; i < ID_TEXT_BYTES; i++) {
        const char *digit = s.p[i] ? strchr(alphabet, s.p[i]) : NULL;
        if (!digit)
            return ERR_INVALID;
        acc = acc << 5 | (unsigned)(digit - alphabet);
        bits += i == 0 ? 3 : 5;
        if (bits >= 8) {
            bits -= 8;
            id.b[at++] = (uint8_t)(acc >> bits);
            acc &= (1u << bits) - 1;
        }
    }
    *out = id;
    return ERR_OK;
}

void id_format(const struct id *id, char out[ID_TEXT_BYTES])
{
    unsigned acc = 0, bits = 2; /* two zero bits in front make 130 */
    size_t at = 0;
    for (size_t i = 0; i < 16; i++) {
        acc = acc << 8 | id->b[i];
        bits += 8;
        while (bits >= 5) {
            bits -= 5;
            out[at++] = alphabet[acc >> bits & 31];
            acc &= (1u << bits) - 1;
        }
    }
}
