/* SPDX-License-Identifier: MIT
 * exec: runs a program per event: the body on its stdin, facts in its environment, what it prints kept as output of the run.
 * It exits with 0: done; 65: reject; anything else: retry; a signal is a crash. Configuration: "argv".
 */
#define _GNU_SOURCE
#include <creel.h>
#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    EXIT_REJECT = 65,      /* EX_DATAERR of sysexits.h */
    VALUE_BYTES = 32 << 10 /* of one header; a longer one is left out, for an exec would fail as a whole */
};

/* A list of owned strings, NULL behind the last. */
struct list {
    char **at;
    size_t n;
};

static int list_add(struct list *l, char *text)
{
    char **at = text ? realloc(l->at, (l->n + 2) * sizeof *at) : NULL;
    if (!at) {
        free(text);
        return 0;
    }
    l->at = at;
    l->at[l->n++] = text;
    l->at[l->n] = NULL;
    return 1;
}

static void list_free(struct list *l)
{
    for (size_t i = 0; i < l->n; i++)
        free(l->at[i]);
    free(l->at);
    *l = (struct list){0};
}

/* NAME=value; without a value, nothing. */
static int add_variable(struct list *l, const char *name, const char *value)
{
    char *text;
    return !value || list_add(l, asprintf(&text, "%s=%s", name, value) < 0 ? NULL : text);
}

static int has_variable(const struct list *l, const char *name)
{
    size_t n = strlen(name);
    for (size_t i = 0; i < l->n; i++)
        if (strncmp(l->at[i], name, n) == 0 && l->at[i][n] == '=')
            return 1;
    return 0;
}

/* "X-Request-Id" as "CREEL_HEADER_X_REQUEST_ID". A name with anything but letters, digits and '-' gives none: an underscore
 * could pass for another header's '-'. */
static char *header_variable(const char *name)
{
    char *variable;
    if (asprintf(&variable, "CREEL_HEADER_%s", name) < 0)
        return NULL;
    for (char *p = variable + strlen("CREEL_HEADER_"); *p; p++) {
        if (*p >= 'a' && *p <= 'z')
            *p = (char)(*p - 'a' + 'A');
        else if (*p == '-')
            *p = '_';
        else if (!(*p >= 'A' && *p <= 'Z') && !(*p >= '0' && *p <= '9')) {
            free(variable);
            return NULL;
        }
    }
    return variable;
}

/* Of a header that came twice, the first. */
static int add_headers(struct creel_invocation *in, struct list *l)
{
    const char *name, *value;
    for (size_t i = 0; creel_header_at(in, i, &name, &value); i++) {
        char *variable = strlen(value) < VALUE_BYTES ? header_variable(name) : NULL;
        int ok = !variable || has_variable(l, variable) || add_variable(l, variable, value);
        free(variable);
        if (!ok)
            return 0;
    }
    return 1;
}

static const char *rfc3339(int64_t ms, char out[64])
{
    time_t s = (time_t)(ms / 1000);
    struct tm tm;
    char date[32];
    gmtime_r(&s, &tm);
    strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(out, 64, "%s.%03dZ", date, (int)(ms % 1000));
    return out;
}

static int make_environment(struct creel_invocation *in, struct list *l)
{
    char received[64], attempt[16];
    snprintf(attempt, sizeof attempt, "%u", creel_attempt(in));
    for (char **e = environ; *e; e++)
        if (!list_add(l, strdup(*e)))
            return 0;
    return add_variable(l, "CREEL_EVENT_ID", creel_event_id(in)) && add_variable(l, "CREEL_EVENT_TYPE", creel_type(in)) &&
           add_variable(l, "CREEL_SOURCE", creel_source(in)) && add_variable(l, "CREEL_ATTEMPT", attempt) &&
           add_variable(l, "CREEL_RECEIVED", rfc3339(creel_received_ms(in), received)) &&
           add_variable(l, "CREEL_ORDER_KEY", creel_order_key(in)) && add_variable(l, "CREEL_SENDER_ID", creel_sender_id(in)) &&
           add_variable(l, "CREEL_EVENT_VERSION", creel_version(in)) &&
           add_variable(l, "CREEL_CONTENT_TYPE", creel_content_type(in)) &&
           add_variable(l, "CREEL_FUNCTION", creel_function_name(in)) && add_headers(in, l);
}

static int make_arguments(struct creel_invocation *in, struct list *l)
{
    long n = creel_config_count(in, "/argv");
    for (long i = 0; i < n; i++) {
        char pointer[32];
        snprintf(pointer, sizeof pointer, "/argv/%ld", i);
        const char *text = creel_config_string(in, pointer);
        if (!text || !list_add(l, strdup(text)))
            return 0;
    }
    return n > 0;
}

/* The body as a file in memory: a program that reads late, in part or not at all keeps nobody waiting. */
static int body_file(struct creel_invocation *in)
{
    size_t bytes, done = 0;
    const char *body = (const char *)creel_body(in, &bytes);
    int fd = memfd_create("body", MFD_CLOEXEC);
    while (fd >= 0 && done < bytes) {
        ssize_t n = write(fd, body + done, bytes - done);
        if (n > 0) {
            done += (size_t)n;
        } else if (n == 0 || errno != EINTR) {
            close(fd);
            return -1;
        }
    }
    if (fd >= 0)
        lseek(fd, 0, SEEK_SET);
    return fd;
}

static int spawn(struct list *arguments, struct list *environment, int body, pid_t *pid)
{
    posix_spawn_file_actions_t actions;
    int error = posix_spawn_file_actions_init(&actions);
    if (error)
        return error;
    error = posix_spawn_file_actions_adddup2(&actions, body, 0);
    if (!error)
        error = posix_spawnp(pid, arguments->at[0], &actions, NULL, arguments->at, environment->at);
    posix_spawn_file_actions_destroy(&actions);
    return error;
}

/* The host takes a program's signal for the run's: end by the same one. */
static void die_alike(int signal_number)
{
    sigset_t one;
    sigemptyset(&one);
    sigaddset(&one, signal_number);
    signal(signal_number, SIG_DFL);
    sigprocmask(SIG_UNBLOCK, &one, NULL);
    fflush(NULL);
    raise(signal_number);
    abort();
}

static int wait_for(struct creel_invocation *in, pid_t pid)
{
    int status;
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return creel_retry(in, "the program's end was lost: %s", strerror(errno));
    if (WIFSIGNALED(status)) {
        creel_log(in, CREEL_ERROR, "the program ended by signal %d (%s)", WTERMSIG(status), strsignal(WTERMSIG(status)));
        die_alike(WTERMSIG(status));
    }
    switch (WEXITSTATUS(status)) {
    case 0:
        return CREEL_DONE;
    case EXIT_REJECT:
        return creel_reject(in, "the program exited with %d", EXIT_REJECT);
    default:
        return creel_retry(in, "the program exited with %d", WEXITSTATUS(status));
    }
}

static int exec_program(struct creel_invocation *in)
{
    struct list arguments = {0}, environment = {0};
    pid_t pid;
    int result, body = -1;
    if (!make_arguments(in, &arguments) || !make_environment(in, &environment)) {
        result = creel_retry(in, "out of memory");
    } else if ((body = body_file(in)) < 0) {
        result = creel_retry(in, "the body cannot be handed over: %s", strerror(errno));
    } else {
        int error = spawn(&arguments, &environment, body, &pid);
        result = error ? creel_retry(in, "%s cannot be run: %s", arguments.at[0], strerror(error)) : wait_for(in, pid);
    }
    if (body >= 0)
        close(body);
    list_free(&arguments);
    list_free(&environment);
    return result;
}

/* What can be known to be wrong before any event is. */
static int begin(struct creel_invocation *in)
{
    struct list arguments = {0};
    int ok = make_arguments(in, &arguments);
    list_free(&arguments);
    if (!ok)
        return creel_reject(in, "\"config\" must hold \"argv\": [\"/path/program\", \"argument\", ...]");
    pid_t pid = fork();
    if (pid == 0)
        _exit(0);
    if (pid < 0)
        return creel_reject(in, "this host lets no function create processes: %s (see creel-function(7), Isolation)",
                            strerror(errno));
    waitpid(pid, NULL, 0);
    return CREEL_DONE;
}

CREEL_FUNCTION(exec_program, .name = "exec", .version = "1", .init = begin);
