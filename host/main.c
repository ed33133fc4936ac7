/* SPDX-License-Identifier: MIT
 * main: creeld. Started by a person or a service manager it is the supervisor; started by itself with the word intake or dispatch
 * it is that role.
 */
#include <fcntl.h>
#include <getopt.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "base/channel.h"
#include "base/fs.h"
#include "base/log.h"
#include "config.h"
#include "dispatch/dispatch.h"
#include "intake/house.h"
#include "intake/intake.h"
#include "supervisor/load.h"

enum { LOCK_WAIT_MS = 3000 };

static const char default_file[] = CREEL_SYSCONFDIR "/creel.json";

static const char usage[] =
    "usage: creeld [-c FILE] [-t | -T]\n"
    "Run Creel, the webhook function host, in the foreground; logs go to stderr.\n"
    "\n"
    "  -c, --config FILE  the configuration (default %s)\n"
    "  -t, --test         check the configuration and all it names; exit 0 or 100\n"
    "  -T, --print        print the effective configuration, secrets as …\n"
    "      --help         this text\n"
    "      --version      the version\n"
    "\n"
    "SIGHUP reads the configuration again; SIGTERM finishes what runs and stops. See creeld(8).\n";

static const struct {
    const char *word;
    int (*main)(void);
} roles[] = {{"intake", intake_main}, {"dispatch", dispatch_main}};

/* Roles are started with their descriptors in place; by hand there are none. */
static int run_role(const char *word)
{
    for (size_t i = 0; i < sizeof roles / sizeof roles[0]; i++) {
        if (strcmp(word, roles[i].word) != 0)
            continue;
        for (int fd = ROLE_FD_SUPERVISOR; fd < ROLE_FD_FIRST_FREE; fd++)
            if (fcntl(fd, F_GETFD) < 0)
                die(EXIT_USAGE, "creeld: the %s role is started by creeld itself, not by hand", word);
        return roles[i].main();
    }
    die(EXIT_USAGE, "creeld: unexpected argument '%s' (see creeld --help)", word);
}

/* Would intake take this? Compiles the recipes and decodes the keys as it does, and forgets them. */
static enum err verify(int snapshot, int secrets, struct why *w)
{
    struct config *config;
    struct house *house = NULL;
    enum err e = sodium_init() < 0 ? why_set(w, ERR_SYSTEM, "libsodium cannot be used here")
                                   : config_from_snapshot(snapshot, &config, w);
    if (e)
        return e;
    struct dedupe *dedupe = dedupe_new(1);
    e = dedupe ? house_new(config, secrets, dedupe, NULL, &house, w) : why_set(w, ERR_NO_MEMORY, "out of memory");
    if (e)
        config_free(config);
    house_release(house);
    dedupe_free(dedupe);
    return e;
}

enum { OPT_HELP = 256, OPT_VERSION };

static const struct option options[] = {{"config", required_argument, NULL, 'c'}, {"test", no_argument, NULL, 't'},
                                        {"print", no_argument, NULL, 'T'},        {"help", no_argument, NULL, OPT_HELP},
                                        {"version", no_argument, NULL, OPT_VERSION}, {NULL, 0, NULL, 0}};

int main(int argc, char **argv)
{
    const char *file = default_file;
    int mode = 0;
    fs_keep_standard();
    for (int o; (o = getopt_long(argc, argv, "c:tT", options, NULL)) != -1;) {
        switch (o) {
        case 'c':
            file = optarg;
            break;
        case 't':
        case 'T':
            mode = o;
            break;
        case OPT_HELP:
            printf(usage, default_file);
            return fflush(stdout) == 0 ? 0 : EXIT_SYSTEM;
        case OPT_VERSION:
            puts("creeld " PACKAGE_VERSION);
            return fflush(stdout) == 0 ? 0 : EXIT_SYSTEM;
        default:
            return EXIT_USAGE; /* getopt has said what is wrong */
        }
    }
    if (optind < argc)
        return run_role(argv[optind]);
    log_init("creeld", LOG_TEXT, LOG_INFO);
    struct load load = {.file = file, .verify = verify};
    if (mode == 't')
        return load_check(&load);
    if (mode == 'T')
        return load_print(file);
    struct supervisor_options run = {
        .program = "/proc/self/exe", .load = load_settings, .arg = &load, .lock_wait_ms = LOCK_WAIT_MS};
    return supervisor_run(&run);
}
