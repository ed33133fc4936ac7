/* SPDX-License-Identifier: MIT
 * function: the names that events are routed to, and their queues.
 */
#include <stdlib.h>

#include "base/log.h"
#include "dispatch/builtin.h"
#include "dispatch/generation.h"

struct function *function_find(struct dispatch *d, struct span name)
{
    for (size_t i = 0; i < d->n_functions; i++)
        if (span_eq_str(name, d->functions[i]->name))
            return d->functions[i];
    return NULL;
}

static bool make_room(struct dispatch *d)
{
    if (d->n_functions & (d->n_functions - 1)) /* grown at powers of two */
        return true;
    struct function **all = reallocarray(d->functions, d->n_functions ? d->n_functions * 2 : 1, sizeof *all);
    if (!all)
        return false;
    d->functions = all;
    return true;
}

struct function *function_get(struct dispatch *d, struct span name)
{
    struct function *f = function_find(d, name);
    if (f)
        return f;
    if (name.n > FUNCTION_NAME_BYTES || !make_room(d) || !(f = calloc(1, sizeof *f)))
        return NULL;
    memcpy(f->name, name.p, name.n);
    f->builtin = builtin_is(name);
    f->number = ledger_intern(d->ledger, name);
    d->functions[d->n_functions++] = f;
    return f;
}

struct function *function_of(struct dispatch *d, const struct invocation *inv)
{
    for (size_t i = 0; i < d->n_functions; i++)
        if (d->functions[i]->number == inv->function)
            return d->functions[i];
    struct function *f = function_get(d, ledger_name(d->ledger, inv->function));
    if (!f)
        die(EXIT_SYSTEM, "out of memory for a function");
    return f;
}

bool function_available(const struct function *f)
{
    return f->live && !f->held;
}

static void set_state(struct dispatch *d, struct entry *e, struct invocation *inv, enum state to)
{
    if (inv->state != to && ledger_set(d->ledger, e, inv, to) != ERR_OK) {
        stat_add(STAT_illegal_transitions_total, 1);
        log_line(LOG_ERROR, "a transition was refused", LOG_T("state", state_name((enum state)inv->state)),
                 LOG_T("to", state_name(to)));
    }
}

void function_refresh(struct dispatch *d, struct function *f)
{
    enum state to = function_available(f) ? STATE_PENDING : STATE_HELD;
    for (size_t i = 0; i < f->queue.n; i++)
        set_state(d, f->queue.items[i].entry, f->queue.items[i].inv, to);
}

void function_enqueue(struct dispatch *d, struct entry *e, struct invocation *inv)
{
    struct function *f = function_of(d, inv);
    set_state(d, e, inv, function_available(f) ? STATE_PENDING : STATE_HELD);
    if (heap_push(&f->queue, d->arrivals++, e, inv) != ERR_OK)
        die(EXIT_SYSTEM, "out of memory for the queue of a function");
}

void functions_free(struct dispatch *d)
{
    for (size_t i = 0; i < d->n_functions; i++) {
        struct function *f = d->functions[i];
        f->live = f->candidate = NULL;
        while (f->generations)
            generation_retire(d, f->generations);
        settings_fini(&f->claims);
        heap_fini(&f->queue);
        free(f);
    }
    free(d->functions);
    d->functions = NULL;
    d->n_functions = 0;
}
