/* SPDX-License-Identifier: MIT
 * ctl: creel, the command line for people. One file per verb group, one row per verb in verbs.tbl. A verb that the
 * spool alone can answer never needs the daemon. One thread.
 */
#ifndef CREEL_CTL_CTL_H
#define CREEL_CTL_CTL_H

#include "base/config.h"
#include "base/err.h"

struct recipe;

struct ctl {
    const char *config_file; /* -c, or the installed one */
    bool config_given;       /* by -c */
    const char *spool;       /* --spool; NULL: the configuration's */
    const char *recipes;     /* --recipes; NULL: the configuration's, then the installed ones */
    bool json, color;
    struct config *config; /* NULL until ctl_config */
};

#define X(word, function, usage, help) int function(struct ctl *c, int argc, char **argv);
#include "ctl/verbs.tbl"
#undef X

/* Load the configuration or exit 100 with every fault on stderr. */
const struct config *ctl_config(struct ctl *c);
/* The spool directory's name: --spool, else the configuration's. Lives as long as c. */
const char *ctl_spool(struct ctl *c);
/* The spool directory opened (--spool, else the configuration's), or exit with the reason. */
int ctl_spool_fd(struct ctl *c);
/* "creel VERB: …" on stderr; returns status, so that a verb can `return ctl_fail(…)`. */
int ctl_fail(int status, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Usage of the running verb on stderr, after "creel VERB: …"; returns EXIT_USAGE. */
int ctl_usage(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* What is left of argv must be at least min and at most max words, none of them an unknown option; else exit 100.
 * argv[0] is the verb. */
void ctl_words(int argc, char **argv, int min, int max);
/* Take an option off argv: "--name" (value NULL) or "--name VALUE"/"--name=VALUE". Moves the rest down, true if it was
 * there. A missing value is exit 100. */
bool ctl_option(int *argc, char **argv, const char *name, const char **value);
/* A connection to creeld's unix socket at path, on which nothing waits longer than a minute; `what` socket it is, for the reason.
 * ERR_INVALID: no such name can be; ERR_SYSTEM. */
enum err ctl_connect(const char *what, const char *path, int *fd, struct why *w);
/* Ask the daemon: one JSON line to the control socket, one JSON line back (creel-control(7)). */
enum err ctl_control(struct ctl *c, struct span request, struct buf *answer, struct why *w);

/* All of a file or pipe ("-": standard input) behind b's content. ERR_NOT_FOUND, ERR_NO_ROOM past b's limit, or ERR_SYSTEM, naming it. */
enum err ctl_read(const char *path, struct buf *b, struct why *w);
/* The same for one JSON text. ERR_INVALID naming file and byte. */
enum err ctl_read_json(const char *path, struct buf *b, struct why *w);
/* The same of what operators write: comments, as in the configuration, are blanked first. */
enum err ctl_read_commented_json(const char *path, struct buf *b, struct why *w);
/* A whole number in [min, max] from an option's text, or exit 100 naming the option. */
long ctl_number(const char *option, const char *text, long min, long max);
/* The text of the recipe of this name behind text's content, found in --recipes, else in the configuration's folder
 * (when one is loaded or named by -c), else in the installed one. ERR_NOT_FOUND naming it and the nearest one.
 * ctl_recipe also compiles it. */
enum err ctl_recipe_text(struct ctl *c, const char *name, struct buf *text, struct why *w);
/* The text of the recipe that this text is like, found there or among the installed ones; nothing when it is like none. */
enum err ctl_like_text(struct ctl *c, struct span text, struct buf *out, struct why *w);
enum err ctl_recipe(struct ctl *c, const char *name, const char *variant, struct recipe **out, struct why *w);
/* The same with the variant of this name where there is one. */
enum err ctl_recipe_scheme(struct ctl *c, const char *name, const char *scheme, struct recipe **out, struct why *w);

#endif
