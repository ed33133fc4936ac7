/* SPDX-License-Identifier: MIT
 * id: making, reading and writing our 26-character ids. The one piece of state is the last id made, behind a lock.
 */
#include "base/id.h"

#include <pthread.h>
#include <unistd.h>

static const char alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/* The value of each character of the alphabet plus one; 0 for all others. */
static const uint8_t values[256] = {
    ['0'] = 1,  ['1'] = 2,  ['2'] = 3,  ['3'] = 4,  ['4'] = 5,  ['5'] = 6,  ['6'] = 7,  ['7'] = 8,  ['8'] = 9,  ['9'] = 10, ['A'] = 11,
    ['B'] = 12, ['C'] = 13, ['D'] = 14, ['E'] = 15, ['F'] = 16, ['G'] = 17, ['H'] = 18, ['J'] = 19, ['K'] = 20, ['M'] = 21, ['N'] = 22,
    ['P'] = 23, ['Q'] = 24, ['R'] = 25, ['S'] = 26, ['T'] = 27, ['V'] = 28, ['W'] = 29, ['X'] = 30, ['Y'] = 31, ['Z'] = 32,
};

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
        if (getentropy(last.b + 6, 10) != 0)
            bug("this system has no random bytes");
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

uint32_t id_hash(const struct id *id)
{
    uint64_t h = 0; /* the last byte counts up: it must be the lowest, for a product's bits depend on those below them only */
    for (size_t i = sizeof id->b - sizeof h; i < sizeof id->b; i++)
        h = h << 8 | id->b[i];
    return (uint32_t)(h * UINT64_C(0x9e3779b97f4a7c15) >> 32);
}

/* 26 digits of 5 bits are 130 bits, of which the first digit holds only 3: two halves, where the digit at MIDDLE has bits
 * of both. */
enum { MIDDLE = 13, HIGH_BITS_OF_MIDDLE = 1 };

static uint64_t take_half(const uint8_t *b)
{
    uint64_t v = 0;
    for (size_t i = 0; i < sizeof v; i++)
        v = v << 8 | b[i];
    return v;
}

static void put_half(uint64_t v, uint8_t *b)
{
    for (size_t i = sizeof v; i-- > 0; v >>= 8)
        b[i] = (uint8_t)v;
}

enum err id_parse(struct span s, struct id *out)
{
    uint64_t high = 0, low = 0;
    uint8_t bad = 0;
    if (s.n != ID_TEXT_BYTES || s.p[0] > '7')
        return ERR_INVALID;
    for (size_t i = 0; i < ID_TEXT_BYTES; i++) {
        uint8_t digit = (uint8_t)(values[(unsigned char)s.p[i]] - 1u);
        bad |= digit;
        if (i == MIDDLE)
            high = high << HIGH_BITS_OF_MIDDLE | (digit >> 4 & 1);
        if (i < MIDDLE)
            high = high << 5 | digit;
        else
            low = low << 5 | digit;
    }
    if (bad > 31)
        return ERR_INVALID;
    put_half(high, out->b);
    put_half(low, out->b + 8);
    return ERR_OK;
}

void id_format(const struct id *id, char out[ID_TEXT_BYTES])
{
    uint64_t high = take_half(id->b), low = take_half(id->b + 8);
    for (size_t i = ID_TEXT_BYTES; i-- > MIDDLE + 1; low >>= 5)
        out[i] = alphabet[low & 31];
    out[MIDDLE] = alphabet[(low & 15) | (high & 1) << 4];
    high >>= HIGH_BITS_OF_MIDDLE;
    for (size_t i = MIDDLE; i-- > 0; high >>= 5)
        out[i] = alphabet[high & 31];
}
