/* SPDX-License-Identifier: MIT
 * main: creel's frame: options that every verb takes, the table of verbs, help. Does nothing itself. One process, one
 * thread.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/nearest.h"
#include "ctl/ctl.h"
#include "ctl/frame.h"

static const struct verb verbs[] = {
#define X(word, function, usage, help) {word, function, usage, help},
#include "ctl/verbs.tbl"
#undef X
};
enum { N_VERBS = sizeof verbs / sizeof *verbs };

static const char frame_usage[] = "usage: creel [-c FILE] [--spool DIR] [--recipes DIR] [--json] VERB …\n"
                                  "       creel VERB --help | --help | --version\n";

static const struct verb *find_verb(const char *word)
{
    for (size_t i = 0; i < N_VERBS; i++)
        if (strcmp(verbs[i].word, word) == 0)
            return &verbs[i];
    return NULL;
}

/* Standard output is written through, or the exit status says that it is not. */
static int written(int status)
{
    if ((fflush(stdout) != 0 || ferror(stdout)) && status == 0)
        return ctl_fail(EXIT_SYSTEM, "cannot write standard output");
    return status;
}

static int print_help(void)
{
    fputs(frame_usage, stdout);
    fputs("\nverbs:\n", stdout);
    for (size_t i = 0; i < N_VERBS; i++)
        printf("  %s\n      %s\n", verbs[i].usage, verbs[i].help);
    fputs("\nExit status: 0 done, 1 refused or not found, 100 usage or configuration, 111 system. See creel(1).\n",
          stdout);
    return written(0);
}

static int print_verb_help(const struct verb *v)
{
    printf("usage: creel %s\n%s\n", v->usage, v->help);
    return written(0);
}

static int no_verb(const char *word)
{
    const char *words[N_VERBS];
    for (size_t i = 0; i < N_VERBS; i++)
        words[i] = verbs[i].word;
    const char *near = nearest_word(span_str(word), words, N_VERBS);
    if (near)
        fprintf(stderr, "creel: there is no verb '%s', did you mean '%s'?\n", word, near);
    else
        fprintf(stderr, "creel: there is no verb '%s' (creel --help lists them)\n", word);
    return EXIT_USAGE;
}

int main(int argc, char **argv)
{
    fs_keep_standard();
    struct ctl c = {.config_file = CREEL_SYSCONFDIR "/creel.json"};
    c.config_given = ctl_option(&argc, argv, "-c", &c.config_file);
    ctl_option(&argc, argv, "--spool", &c.spool);
    ctl_option(&argc, argv, "--recipes", &c.recipes);
    c.json = ctl_option(&argc, argv, "--json", NULL);
    bool help = ctl_option(&argc, argv, "--help", NULL) || ctl_option(&argc, argv, "-h", NULL);
    if (ctl_option(&argc, argv, "--version", NULL)) {
        puts("creel " PACKAGE_VERSION);
        return written(0);
    }
    const char *no_color = getenv("NO_COLOR"); /* https://no-color.org */
    c.color = !c.json && isatty(STDOUT_FILENO) && !(no_color && *no_color);
    if (argc < 2 || strcmp(argv[1], "help") == 0) {
        if (help || argc >= 2)
            return print_help();
        fputs(frame_usage, stderr);
        return EXIT_USAGE;
    }
    ctl_words(2, argv, 0, 1); /* an option that is left over is no verb */
    const struct verb *v = find_verb(argv[1]);
    if (!v)
        return no_verb(argv[1]);
    if (help)
        return print_verb_help(v);
    frame_begin(v);
    int status = written(v->run(&c, argc - 1, argv + 1));
    config_free(c.config);
    return status;
}
