/* SPDX-License-Identifier: MIT
 * route: from an event to its functions.
 */
#include "dispatch/route.h"

#include "base/log.h"
#include "dispatch/builtin.h"
#include "dispatch/registry.h"
#include "dispatch/runs.h"
#include "spool/fetched.h"

enum { IGNORED_MS = 20 }; /* after which it is recorded that nobody wants an event: nothing waits for it */

size_t route_find(struct function *const *functions, size_t n, struct span type, struct span source, bool unsigned_source,
                  struct span *names, size_t max, bool *more)
{
    size_t found = 0;
    for (size_t i = 0; i < n; i++) {
        if (functions[i]->builtin || !settings_wants(&functions[i]->claims, type, source, unsigned_source))
            continue;
        if (found == max) {
            if (more)
                *more = true;
            break;
        }
        names[found++] = span_str(functions[i]->name);
    }
    return found;
}

static void tell(const struct dispatch *d, const struct entry *e, size_t n)
{
    char id[ID_TEXT_BYTES];
    enum log_level level = n ? LOG_DEBUG : LOG_INFO;
    if (!log_wants(level))
        return;
    id_format(&e->id, id);
    log_line(level, n ? "routed" : "ignored: no function wants it", LOG_S("event", span_of(id, sizeof id)),
             LOG_S("source", ledger_name(d->ledger, e->source)), LOG_S("type", ledger_name(d->ledger, e->type)),
             LOG_N("functions", n));
}

static void undecided(struct dispatch *d, struct entry *e, bool is)
{
    bool was = e->user & ENTRY_UNDECIDED;
    d->n_undecided += (size_t)is - (size_t)was;
    e->user = is ? e->user | ENTRY_UNDECIDED : e->user & ~(uint32_t)ENTRY_UNDECIDED;
}

/* Those that want it now, and those that had it already when the line that said so is damaged. */
static void put_routed(struct dispatch *d, const struct entry *e)
{
    struct span names[LINE_FUNCTIONS_MAX];
    for (uint16_t i = 0; i < e->n; i++)
        names[i] = ledger_name(d->ledger, e->inv[i].function);
    line_put_routed(records_begin(&d->records), &e->id, d->wall_ms, names, e->n);
    (void)records_end_by(&d->records, e->n ? INT64_MIN : d->now_ms + IGNORED_MS);
}

void route_event(struct dispatch *d, struct entry *e)
{
    struct span names[LINE_FUNCTIONS_MAX];
    bool more = false;
    struct span type = ledger_name(d->ledger, e->type);
    bool own = own_name(type);
    size_t n = own ? builtin_route(d, type, names)
                   : route_find(d->functions, d->n_functions, type, ledger_name(d->ledger, e->source), e->unsigned_source, names,
                                LINE_FUNCTIONS_MAX, &more);
    if (more)
        log_line(LOG_WARN, "more functions want an event than it can have: the rest is left out", LOG_N("most", LINE_FUNCTIONS_MAX));
    undecided(d, e, n == 0 && e->n == 0 && !own && registry_unclear(d));
    if (e->user & ENTRY_UNDECIDED)
        return;
    tell(d, e, n);
    if (ledger_route(d->ledger, e, names, n) != ERR_OK)
        die(EXIT_SYSTEM, "out of memory for an event's functions");
    put_routed(d, e);
    if (!e->n) {
        stat_add(STAT_ignored_total, 1);
        ledger_remove(d->ledger, e);
        return;
    }
    if (!event_leave(d, e))
        runs_adopt(d, e);
}

void route_turn(struct dispatch *d)
{
    if (!d->n_undecided)
        return;
    registry_look(d);
    if (!d->claims_moved && registry_unclear(d))
        return;
    d->claims_moved = false;
    for (struct entry *e = ledger_oldest(d->ledger), *next; e && d->n_undecided; e = next) {
        next = e->newer;
        if (e->user & ENTRY_UNDECIDED)
            route_event(d, e);
    }
}
