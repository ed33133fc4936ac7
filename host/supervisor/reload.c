/* SPDX-License-Identifier: MIT
 * reload: both roles prepare the new configuration, then both switch; if either cannot, both forget it and everything stays as
 * it was.
 */
#include "supervisor/state.h"

#include "base/clock.h"
#include "base/log.h"

static void give_up(struct supervisor *s, const char *role, struct span why)
{
    log_line(LOG_ERROR, "configuration not reloaded, the old one stays", LOG_T("role", role), LOG_S("why", why));
    for (int k = 0; k < ROLE_KINDS; k++) {
        struct role *r = &s->roles[k];
        if (r->state != ROLE_PREPARED && r->state != ROLE_PREPARING)
            continue;
        role_tell(r, CHANNEL_DISCARD, NULL, 0);
        /* One that is still preparing stays so until its answer has come, or the next PREPARE would get that answer. */
        if (r->state == ROLE_PREPARED)
            role_set(r, ROLE_READY);
    }
    loaded_free(&s->next);
    notify_send(&s->notify, "READY=1\nSTATUS=the configuration was not reloaded, the old one stays: see the log");
}

void reload_watch(struct supervisor *s)
{
    if (watch_use(&s->watch, s->now.config, clock_mono_ms()) != ERR_OK)
        log_msg(LOG_WARN, "out of memory: which files of the configuration change is not watched; SIGHUP reads them again");
}

static void finish(struct supervisor *s)
{
    for (int k = 0; k < ROLE_KINDS; k++) {
        role_tell(&s->roles[k], CHANNEL_SWITCH, NULL, 0);
        role_set(&s->roles[k], ROLE_READY);
    }
    loaded_free(&s->now);
    s->now = s->next;
    s->next = (struct loaded){NULL, -1, -1};
    log_init_words("creeld", s->now.config->log_format, s->now.config->log_level);
    reload_watch(s);
    log_msg(LOG_INFO, "configuration reloaded");
    notify_send(&s->notify, "READY=1\nSTATUS=intake and dispatch are up");
}

void reload_begin(struct supervisor *s)
{
    struct loaded next = {NULL, -1, -1};
    s->reload_wanted = false;
    notify_reloading(&s->notify);
    watch_note(&s->watch);
    if (s->options->load(s->options->arg, &s->now, &next) != ERR_OK) {
        give_up(s, "creeld", SPAN_LIT("it has faults"));
        return;
    }
    s->next = next;
    const char *fixed = config_fixed_changed(s->now.config, s->next.config);
    if (fixed) {
        struct why w;
        why_set(&w, ERR_INVALID, "a reload cannot change %s: restart creeld", fixed);
        give_up(s, "creeld", span_str(w.text));
        return;
    }
    for (int k = 0; k < ROLE_KINDS; k++) {
        const int fds[] = {s->next.snapshot, s->next.secrets};
        role_tell(&s->roles[k], CHANNEL_PREPARE, fds, k == ROLE_INTAKE ? 2 : 1);
        role_set(&s->roles[k], ROLE_PREPARING);
    }
}

void reload_answer(struct supervisor *s, struct role *r, bool took, struct span why)
{
    if (!s->next.config) { /* the answer to what was already given up */
        role_set(r, ROLE_READY);
        return;
    }
    if (!took) {
        role_set(r, ROLE_READY);
        give_up(s, role_name(r->kind), why);
        return;
    }
    role_set(r, ROLE_PREPARED);
    if (s->roles[ROLE_INTAKE].state == ROLE_PREPARED && s->roles[ROLE_DISPATCH].state == ROLE_PREPARED)
        finish(s);
}

void reload_died(struct supervisor *s, const struct role *r)
{
    if (s->next.config)
        give_up(s, role_name(r->kind), SPAN_LIT("it ended while preparing"));
}
