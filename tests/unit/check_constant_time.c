/* SPDX-License-Identifier: MIT
 * check_constant_time: how long it takes to refuse a guess must not tell how much of it was right. Guesses that are
 * wrong in their first byte and in their last are timed in pairs, in random order, and Student's t says whether the two
 * differ (after Reparaz, Balasch, Verbauwhede: "Dude, is my code constant time?", 2017; in pairs, because a processor's pace drifts by
 * more than what is looked for). Beside each subject runs a control, the same work with a loop that stops at the first
 * wrong byte: it must be caught, and no subject may come near it. Nothing is compared with a time: on a busy or slow
 * machine both figures shrink alike.
 */
#include "recipe_kit.h"

#include <math.h>
#include <openssl/crypto.h>
#include <sodium.h>
#include <stdint.h>
#include <time.h>

#include "base/codec.h"

enum {
    GUESS_BYTES = 32,
    CALLS = 4,        /* timed together: a clock's tick is longer than a comparison */
    TRIES = 6,        /* of which the fastest is a sample: what disturbs only ever adds */
    PAIRS = 1500,     /* of each subject in a round */
    ROUNDS_MIN = 9,   /* the median of these counts */
    ROUNDS_MAX = 45,  /* if the control is not caught until then, the machine is too noisy to say anything */
    CUT_PERCENT = 15, /* of all differences, at either end: there one of the two was interrupted */
};
#define CLOCK_VARIANCE (1.0 / 6) /* of a difference, for the clock tells whole nanoseconds; a quiet processor may give no other */
#define CAUGHT 10.0  /* |t| of a control that is caught */
#define DISTANCE 5.0 /* how much less a subject's |t| must be than its control's */

/* The right bytes, and the guess: always in the same place, so that both kinds of guesses take the same way through
 * the caches. */
static unsigned char right[GUESS_BYTES], guess[GUESS_BYTES];
static char guess_hex[2 * GUESS_BYTES + 1], header_text[7 + 2 * GUESS_BYTES + 1];

static struct bench hmac, token;

static bool same_until_wrong(const unsigned char *a, const unsigned char *b, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (a[i] != b[i])
            return false;
        __asm__ volatile("" ::: "memory"); /* one byte after the other, whatever the compiler knows */
    }
    return true;
}

static bool by_loop(void)
{
    return same_until_wrong(right, guess, GUESS_BYTES);
}

static bool by_openssl(void)
{
    return CRYPTO_memcmp(right, guess, GUESS_BYTES) == 0;
}

static bool by_sodium(void)
{
    return sodium_memcmp(right, guess, GUESS_BYTES) == 0;
}

static bool by_recipe(void)
{
    return verify(&hmac) == ERR_OK;
}

static bool by_recipe_and_loop(void)
{
    return by_recipe() | by_loop();
}

static bool by_token(void)
{
    return verify(&token) == ERR_OK;
}

static bool by_token_and_loop(void)
{
    return by_token() | by_loop();
}

struct subject {
    const char *name;
    bool (*accepts)(void);
    int control; /* the row that it is compared with; -1: it is one */
};

static const struct subject subjects[] = {
    {"a loop that stops at the first wrong byte", by_loop, -1},
    {"CRYPTO_memcmp", by_openssl, 0},
    {"sodium_memcmp", by_sodium, 0},
    {"recipe_verify and a loop that stops", by_recipe_and_loop, -1},
    {"recipe_verify, hmac-sha256", by_recipe, 3},
    {"recipe_verify of a token and a loop that stops", by_token_and_loop, -1},
    {"recipe_verify, token", by_token, 5},
};
enum { SUBJECTS = sizeof subjects / sizeof *subjects };

static int by_value(const void *a, const void *b)
{
    const double *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

static int64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

static void make_guess(bool last)
{
    memcpy(guess, right, GUESS_BYTES);
    guess[last ? GUESS_BYTES - 1 : 0] ^= 0x80;
    hex_encode(guess, GUESS_BYTES, guess_hex);
    memcpy(header_text + 7, guess_hex, 2 * GUESS_BYTES);
}

/* Nanoseconds that one refusal takes, times CALLS. */
static double take(const struct subject *s, bool last)
{
    bool accepted = false;
    int64_t fastest = INT64_MAX;
    make_guess(last);
    accepted |= s->accepts(); /* whatever was cold is warm now */
    for (int k = 0; k < TRIES; k++) {
        int64_t from = now_ns();
        for (int i = 0; i < CALLS; i++)
            accepted |= s->accepts();
        int64_t ns = now_ns() - from;
        if (ns < fastest)
            fastest = ns;
    }
    ck_assert_msg(!accepted, "%s takes a wrong guess", s->name);
    return (double)fastest;
}

/* By how much a guess that is wrong in its last byte is refused later. */
static double take_pair(const struct subject *s)
{
    bool last_first = randombytes_uniform(2);
    double one = take(s, last_first), two = take(s, !last_first);
    return last_first ? one - two : two - one;
}

/* Student's t of what is left when both ends are cut. */
static double student(double *differences, size_t n)
{
    size_t cut = n * CUT_PERCENT / 100;
    double kept = (double)(n - 2 * cut), sum = 0, squares = 0;
    qsort(differences, n, sizeof *differences, by_value);
    for (size_t i = cut; i < n - cut; i++)
        sum += differences[i];
    for (size_t i = cut; i < n - cut; i++)
        squares += (differences[i] - sum / kept) * (differences[i] - sum / kept);
    return sum / kept / sqrt((squares / (kept - 1) + CLOCK_VARIANCE) / kept);
}

static void one_round(double t[SUBJECTS])
{
    static double differences[SUBJECTS][PAIRS];
    for (size_t i = 0; i < PAIRS; i++)
        for (size_t k = 0; k < SUBJECTS; k++)
            differences[k][i] = take_pair(&subjects[k]);
    for (size_t k = 0; k < SUBJECTS; k++)
        t[k] = student(differences[k], PAIRS);
}

static double median(const double *t, int n)
{
    double sorted[ROUNDS_MAX];
    memcpy(sorted, t, (size_t)n * sizeof *t);
    qsort(sorted, (size_t)n, sizeof *sorted, by_value);
    return n % 2 ? sorted[n / 2] : (sorted[n / 2 - 1] + sorted[n / 2]) / 2;
}

/* Medians of all rounds so far. Is every control caught, and no subject near its own? */
static bool clear(double t[SUBJECTS][ROUNDS_MAX], int rounds, double medians[SUBJECTS])
{
    bool all = true;
    for (size_t k = 0; k < SUBJECTS; k++)
        medians[k] = median(t[k], rounds);
    for (size_t k = 0; k < SUBJECTS; k++) {
        int control = subjects[k].control;
        all = all && (control < 0 ? fabs(medians[k]) >= CAUGHT : fabs(medians[k]) * DISTANCE <= fabs(medians[control]));
    }
    return all;
}

static void begin(void)
{
    static const char key[] = "a key of the receiver";
    unsigned char mac[GUESS_BYTES];
    ck_assert_int_ge(sodium_init(), 0);
    struct recipe *r = installed("github");
    bench_init(&hmac, r, ring_of(r, key, NULL, false));
    sign(&hmac, NULL);
    /* the right MAC, out of the header that was made: sha256=HEX */
    size_t n;
    ck_assert_int_eq(hex_decode(span_skip(hmac.headers[0].value, 7), mac, sizeof mac, &n), ERR_OK);
    memcpy(right, mac, GUESS_BYTES);
    memcpy(header_text, hmac.headers[0].value.p, sizeof header_text);
    forget(&hmac);
    hmac.headers[0] =
        (struct recipe_header){SPAN_LIT("X-Hub-Signature-256"), span_of(header_text, 7 + 2 * GUESS_BYTES)};
    hmac.q.n_headers = 1;
    ck_assert_int_eq(verify(&hmac), ERR_OK);
    /* The same digits as a token; what is guessed is what the other guesses. */
    const char *digits = header_text + 7;
    char secret[2 * GUESS_BYTES + 1] = "";
    memcpy(secret, digits, 2 * GUESS_BYTES);
    r = installed("gitlab");
    bench_init(&token, r, ring_of(r, secret, NULL, false));
    token.headers[0] = (struct recipe_header){SPAN_LIT("X-Gitlab-Token"), span_of(digits, 2 * GUESS_BYTES)};
    token.q.n_headers = 1;
    ck_assert_int_eq(verify(&token), ERR_OK);
}

START_TEST(refusing_takes_as_long_whatever_is_wrong)
{
    static double t[SUBJECTS][ROUNDS_MAX];
    double medians[SUBJECTS], one[SUBJECTS];
    bool good = false;
    int rounds = 0;
    begin();
    while (rounds < ROUNDS_MAX && !(good && rounds >= ROUNDS_MIN)) {
        one_round(one);
        for (size_t k = 0; k < SUBJECTS; k++)
            t[k][rounds] = one[k];
        good = clear(t, ++rounds, medians);
    }
    for (size_t k = 0; k < SUBJECTS; k++)
        printf("t = %7.1f  %s%s\n", medians[k], subjects[k].name,
               subjects[k].control < 0 ? " (control: must be caught)" : "");
    printf("medians of %d rounds of %d pairs\n", rounds, PAIRS);
    fflush(stdout); /* Check ends this process without it */
    bench_fini(&hmac);
    bench_fini(&token);
    ck_assert_msg(good, "a control was not caught, or a comparison came near its control: see the figures above");
}
END_TEST

int main(void)
{
    Suite *s = suite_create("constant_time");
    TCase *t = tcase_create("constant_time");
    tcase_set_timeout(t, 120);
    tcase_add_test(t, refusing_takes_as_long_whatever_is_wrong);
    suite_add_tcase(s, t);
    return suite_run(s);
}
