/* SPDX-License-Identifier: MIT
 * steps: the step list and the short loop that runs it. IO threads.
 */
#include "intake/steps.h"

static const struct {
    const char *name;
    enum err (*run)(struct request *q);
} steps[] = {
    {"client", step_client},
    {"route", step_route},
    {"admit", step_admit},
    {"permit", step_permit},
    {"authenticate", step_authenticate},
    {"read", step_read},
    {"verify", step_verify},
    {"limit", step_limit},
    {"parse", step_parse},
    {"envelope", step_envelope},
    {"limit", step_limit_inside},
    {"identify", step_identify},
    {"version", step_version},
    {"validate", step_validate},
    {"dedupe", step_dedupe},
    {"commit", step_commit},
};
enum { STEPS = sizeof steps / sizeof steps[0] };

/* The number of a step in the list. */
static unsigned number_of(enum err (*run)(struct request *q))
{
    unsigned i = 0;
    while (steps[i].run != run)
        i++;
    return i;
}

bool steps_run(struct request *q)
{
    while (q->step < STEPS) {
        enum err e = steps[q->step].run(q);
        if (e == ERR_AGAIN)
            return false;
        if (e != ERR_OK) {
            q->outcome = e;
            return true;
        }
        q->step++;
    }
    q->outcome = ERR_OK;
    return true;
}

enum err steps_run_event(struct request *q)
{
    enum err e = ERR_OK;
    for (q->step = number_of(step_envelope) + 1; e == ERR_OK && steps[q->step].run != step_dedupe; q->step += e == ERR_OK)
        e = steps[q->step].run(q);
    return e;
}

void steps_skip_to_dedupe(struct request *q)
{
    q->step = number_of(step_dedupe) - 1; /* done, as the loop sees it */
}

bool steps_proven(const struct request *q)
{
    return q->step > number_of(step_verify);
}

const char *steps_name(const struct request *q)
{
    return q->step < STEPS ? steps[q->step].name : "answer";
}
