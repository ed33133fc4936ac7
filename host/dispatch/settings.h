/* SPDX-License-Identifier: MIT
 * settings: what holds for one function: the defaults, then what its manifest asks for, then what its sidecar
 * (functions/NAME.json) says. Reads texts that it is given and checks every member of them; never opens a file but to look
 * up a secret the sidecar names. Dispatch's only thread.
 */
#ifndef CREEL_DISPATCH_SETTINGS_H
#define CREEL_DISPATCH_SETTINGS_H

#include <stdint.h>
#include "base/buf.h"
#include "base/err.h"
#include "dispatch/schedule.h"

enum { SETTINGS_LIST_MAX = 256, SETTINGS_TEXT_BYTES = 256 * 1024, SETTINGS_SECRET_BYTES = 64 * 1024 };

struct word_list {
    char **words; /* owned, like what they point to */
    size_t n;
};

struct settings {
    struct word_list types;   /* patterns; empty: not said */
    struct word_list sources; /* names; empty: every source that signs */
    int64_t timeout_ms, idle_ms, memory_bytes, max_uses, concurrency, files, processes;
    bool fork;                /* a fresh process for every run */
    bool max_uses_said;       /* by manifest or sidecar */
    struct retry_policy retry;
    char *config;             /* owned JSON text, or NULL */
    struct word_list secrets; /* name, file, name, file, … */
};

void settings_init(struct settings *s);
void settings_fini(struct settings *s);

/* Both: ERR_INVALID with "/pointer: reason" in w; s may then hold a part of it and is only good for settings_fini. */
enum err settings_sidecar(struct settings *s, struct span text, struct why *w);
enum err settings_manifest(struct settings *s, struct span text, struct why *w);

/* The payload of START (worker/wire.h), secrets read from their files, appended to b. `more` is put behind the members
 * as it is: "hide", "uid", … with a leading comma. Whoever owns b wipes it. ERR_INVALID, ERR_SYSTEM. */
enum err settings_start_json(const struct settings *s, const char *name, struct span more, struct buf *b, struct why *w);

/* A function's name is its file's without ".so": 1 to 128 of [A-Za-z0-9._:%@+-], not beginning with a dot. */
bool settings_name_valid(struct span name);
/* Where nothing said which types: the one that the name stands for, %XX decoded. ERR_INVALID when that is no event type. */
enum err settings_types_by_name(struct settings *s, const char *name, struct why *w);

/* Does a function with these settings want the event? */
bool settings_wants(const struct settings *s, struct span type, struct span source, bool unsigned_source);

#endif
