/* SPDX-License-Identifier: MIT
 * pairs: what was measured beside its baseline in the same run, and how that is said: one JSON line for each thing, with the
 * medians of both sides, the median and the spread of the pairs' ratios, and the goal. tests/bench/bench makes tables of them.
 * One thread.
 */
#ifndef CREEL_BENCH_PAIRS_H
#define CREEL_BENCH_PAIRS_H

#include <stdbool.h>

enum { PAIRS_MOST = 99 };

struct pairs {
    const char *part, *what, *unit; /* static texts without quotes; unit: of both sides */
    double goal;                    /* of the ratio ours / bare; 0: none */
    bool at_least;                  /* the ratio should not be less than it; else not more */
    int n;
    double ours[PAIRS_MOST], bare[PAIRS_MOST], ratio[PAIRS_MOST];
};

/* How many pairs: ROUNDS from the environment, 9 without, PAIRS_MOST at most. */
int pairs_rounds(void);
/* Which side goes first alternates: is it ours in this round? */
bool pairs_ours_first(int round);
/* One pair. Past PAIRS_MOST: nothing. */
void pairs_add(struct pairs *p, double ours, double bare);
/* The JSON line, on standard output. Sorts what was added. At least one pair. */
void pairs_print(struct pairs *p);

#endif
