/* SPDX-License-Identifier: MIT
 * pairs: medians and spreads.
 */
#include "pairs.h"

#include <stdio.h>
#include <stdlib.h>

enum { ROUNDS = 9 };

int pairs_rounds(void)
{
    const char *text = getenv("ROUNDS");
    int n = text ? atoi(text) : 0;
    if (n <= 0)
        return ROUNDS;
    return n < PAIRS_MOST ? n : PAIRS_MOST;
}

bool pairs_ours_first(int round)
{
    return round % 2 == 0;
}

void pairs_add(struct pairs *p, double ours, double bare)
{
    if (p->n == PAIRS_MOST)
        return;
    p->ours[p->n] = ours;
    p->bare[p->n] = bare;
    p->ratio[p->n++] = ours / bare;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *v, int n)
{
    qsort(v, (size_t)n, sizeof *v, by_value);
    return n % 2 ? v[n / 2] : (v[n / 2 - 1] + v[n / 2]) / 2;
}

void pairs_print(struct pairs *p)
{
    double ratio = median(p->ratio, p->n);
    printf("{\"part\":\"%s\",\"case\":\"%s\",\"unit\":\"%s\",\"ours\":%.4f,\"baseline\":%.4f,\"ratio\":%.3f,\"least\":%.3f,\"most\":%.3f,",
           p->part, p->what, p->unit, median(p->ours, p->n), median(p->bare, p->n), ratio, p->ratio[0], p->ratio[p->n - 1]);
    if (p->goal > 0)
        printf("\"goal\":\"%s %.2f\",", p->at_least ? ">=" : "<=", p->goal);
    else
        printf("\"goal\":null,");
    printf("\"pairs\":%d}\n", p->n);
    fflush(stdout);
}
