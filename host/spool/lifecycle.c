/* SPDX-License-Identifier: MIT
 * lifecycle: the words and the one table. Owns nothing, no I/O, no clock. Any thread.
 */
#include "spool/lifecycle.h"

static const char *const state_names[] = {
    [STATE_PENDING] = "pending", [STATE_RUNNING] = "running", [STATE_WAITING] = "waiting", [STATE_HELD] = "held",
    [STATE_DONE] = "done",       [STATE_DEAD] = "dead",       [STATE_IGNORED] = "ignored",
};

static const char *const outcome_names[OUTCOME_COUNT] = {
    [OUTCOME_DONE] = "DONE",   [OUTCOME_RETRY] = "RETRY",     [OUTCOME_REJECT] = "REJECT",
    [OUTCOME_CRASH] = "CRASH", [OUTCOME_TIMEOUT] = "TIMEOUT", [OUTCOME_LOST] = "LOST",
};

static const bool follows[STATE_COUNT][STATE_COUNT] = {
#define X(from, to, what) [STATE_##from][STATE_##to] = true,
#include "spool/lifecycle.tbl"
#undef X
};

const char *state_name(enum state s)
{
    return (unsigned)s <= STATE_IGNORED ? state_names[s] : "unknown";
}

enum err state_parse(struct span s, enum state *out)
{
    for (int i = 0; i <= STATE_IGNORED; i++) {
        if (span_eq_str(s, state_names[i])) {
            *out = (enum state)i;
            return ERR_OK;
        }
    }
    return ERR_INVALID;
}

bool state_may_follow(enum state from, enum state to)
{
    return (unsigned)from < STATE_COUNT && (unsigned)to < STATE_COUNT && follows[from][to];
}

const char *outcome_name(enum outcome o)
{
    return (unsigned)o < OUTCOME_COUNT ? outcome_names[o] : "UNKNOWN";
}

enum err outcome_parse(struct span s, enum outcome *out)
{
    for (int i = 0; i < OUTCOME_COUNT; i++) {
        if (span_eq_str(s, outcome_names[i])) {
            *out = (enum outcome)i;
            return ERR_OK;
        }
    }
    return ERR_INVALID;
}

enum state state_of_event(const unsigned counts[STATE_COUNT], bool routed)
{
    static const enum state order[STATE_COUNT] = {STATE_RUNNING, STATE_PENDING, STATE_WAITING,
                                                  STATE_HELD,    STATE_DEAD,    STATE_DONE};
    for (int i = 0; i < STATE_COUNT; i++)
        if (counts[order[i]])
            return order[i];
    return routed ? STATE_IGNORED : STATE_PENDING;
}
