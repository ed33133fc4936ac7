/* SPDX-License-Identifier: MIT
 * behave: the test function of the slot's tests. Does what the header Do says; the body holds what it needs for it.
 */
#define _GNU_SOURCE
#include <creel.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

static int runs;

static int do_ok(struct creel_invocation *in)
{
    (void)in;
    return CREEL_DONE;
}

static int do_reject(struct creel_invocation *in)
{
    return creel_reject(in, "because %d", 7);
}

static int do_retry(struct creel_invocation *in)
{
    return creel_retry_after(in, 30, "later");
}

static int do_unknown(struct creel_invocation *in)
{
    creel_reject(in, "not returned, so not said");
    return 77;
}

static int do_segv(struct creel_invocation *in)
{
    (void)in;
    signal(SIGSEGV, SIG_DFL);
    raise(SIGSEGV);
    return CREEL_DONE;
}

static int do_abort(struct creel_invocation *in)
{
    (void)in;
    abort();
}

static int do_exit3(struct creel_invocation *in)
{
    (void)in;
    fputs("before the exit", stdout);
    exit(3);
}

static int do_exit0(struct creel_invocation *in)
{
    (void)in;
    _exit(0);
}

static int do_count(struct creel_invocation *in)
{
    return creel_reject(in, "%d", ++runs);
}

static int do_facts(struct creel_invocation *in)
{
    const char *name, *value;
    printf("id %s\nsource %s\ntype %s\nversion %s\nsender_id %s\norder_key %s\ncontent_type %s\nfunction %s\n", creel_event_id(in),
           creel_source(in), creel_type(in), creel_version(in) ? creel_version(in) : "-", creel_sender_id(in), creel_order_key(in),
           creel_content_type(in), creel_function_name(in));
    printf("attempt %u\nreceived %lld\n", creel_attempt(in), (long long)creel_received_ms(in));
    for (size_t i = 0; creel_header_at(in, i, &name, &value); i++)
        printf("header %s=%s\n", name, value);
    printf("remaining %d\ndeadline %d\n", creel_remaining_ms(in) > 0 && creel_remaining_ms(in) <= 60000,
           creel_deadline_ms(in) > creel_received_ms(in));
    return CREEL_DONE;
}

static int do_json(struct creel_invocation *in)
{
    const char *s = creel_json_string(in, "/s"), *n = creel_json_string(in, "/n"), *t = creel_json_text(in, "/n");
    printf("%s|%s|%s|%ld|%ld|%ld\n", s ? s : "-", n ? n : "-", t ? t : "-", creel_json_count(in, "/list"),
           creel_json_count(in, ""), creel_json_count(in, "/s"));
    s = creel_config_string(in, "/dsn");
    t = creel_config_text(in, "/ratio");
    printf("%s|%s|%ld\n", s ? s : "-", t ? t : "-", creel_config_count(in, "/argv"));
    s = creel_secret(in, "token");
    t = creel_secret(in, "other");
    printf("%s|%s\n", s ? s : "-", t ? t : "-");
    return CREEL_DONE;
}

static int do_sum(struct creel_invocation *in)
{
    size_t n;
    const unsigned char *p = creel_body(in, &n);
    unsigned long sum = 0;
    for (size_t i = 0; i < n; i++)
        sum = sum * 31 + p[i];
    return creel_reject(in, "%zu %lu", n, sum);
}

/* "n" bytes, then perhaps "then" bytes; a refused reply is told. */
static int do_reply(struct creel_invocation *in)
{
    static unsigned char bytes[CREEL_REPLY_BYTES + 1];
    const char *sizes[] = {creel_json_text(in, "/n"), creel_json_text(in, "/then")};
    for (int k = 0; k < 2 && sizes[k]; k++) {
        size_t n = strtoul(sizes[k], NULL, 10);
        for (size_t i = 0; i < n && i < sizeof bytes; i++)
            bytes[i] = (unsigned char)(i * 7 + n);
        if (creel_reply(in, bytes, n) != 0)
            return creel_reject(in, "no");
    }
    return creel_json_text(in, "/retry") ? CREEL_RETRY : CREEL_DONE;
}

static int do_log(struct creel_invocation *in)
{
    creel_log(in, CREEL_WARN, "careful %s", "there");
    return CREEL_DONE;
}

static int do_partial(struct creel_invocation *in)
{
    (void)in;
    printf("whole\nwithout newline");
    fprintf(stderr, "from stderr\n");
    return CREEL_DONE;
}

static int do_flood(struct creel_invocation *in)
{
    (void)in;
    for (int i = 0; i < 20000; i++)
        printf("line %d of a function that does not know when to stop\n", i);
    return CREEL_DONE;
}

static int do_long_line(struct creel_invocation *in)
{
    (void)in;
    for (int i = 0; i < 10000; i++)
        putchar('x');
    putchar('\n');
    return CREEL_DONE;
}

static int do_environment(struct creel_invocation *in)
{
    (void)in;
    for (char **e = environ; *e; e++)
        puts(*e);
    return CREEL_DONE;
}

static int do_descriptors(struct creel_invocation *in)
{
    (void)in;
    for (int fd = 0; fd < 1024; fd++)
        if (fcntl(fd, F_GETFD) >= 0)
            printf("%d\n", fd);
    return CREEL_DONE;
}

static int do_status(struct creel_invocation *in)
{
    (void)in;
    char line[256];
    FILE *f = fopen("/proc/self/status", "r");
    while (f && fgets(line, sizeof line, f))
        if (!strncmp(line, "Cap", 3) || !strncmp(line, "Uid", 3) || !strncmp(line, "NoNew", 5) || !strncmp(line, "Groups", 6))
            fputs(line, stdout);
    if (f)
        fclose(f);
    return CREEL_DONE;
}

static int do_read(struct creel_invocation *in)
{
    const char *path = creel_json_string(in, "/path");
    char c;
    int fd = open(path, O_RDONLY);
    if (fd < 0 || read(fd, &c, 1) != 1)
        return creel_reject(in, "no: %s", strerror(errno));
    close(fd);
    return creel_reject(in, "read it");
}

static int do_write(struct creel_invocation *in)
{
    const char *path = creel_json_string(in, "/path");
    int fd = open(path, O_WRONLY | O_CREAT, 0600);
    if (fd < 0)
        return creel_reject(in, "no: %s", strerror(errno));
    close(fd);
    return creel_reject(in, "wrote it");
}

static int do_rename(struct creel_invocation *in)
{
    const char *from = creel_json_string(in, "/path"), *to = creel_json_string(in, "/to");
    return creel_reject(in, "%s", rename(from, to) == 0 ? "renamed it" : "no");
}

static int do_mkdir(struct creel_invocation *in)
{
    return creel_reject(in, "%s", mkdir(creel_json_string(in, "/path"), 0777) == 0 ? "made it" : "no");
}

static int do_mknod(struct creel_invocation *in)
{
    return creel_reject(in, "%s", mknod(creel_json_string(in, "/path"), S_IFCHR | 0600, 0x103) == 0 ? "made it" : "no");
}

static int do_program(struct creel_invocation *in)
{
    int status = system("echo from the program; test -e /proc/self/fd/3 && echo it inherited a descriptor; exit 5");
    return creel_reject(in, "%d", status);
}

static int do_run(struct creel_invocation *in)
{
    return creel_reject(in, "%d", system(creel_json_string(in, "/path")));
}

static void name_it(struct creel_invocation *in)
{
    prctl(PR_SET_NAME, creel_json_string(in, "/mark"));
}

static int do_hang(struct creel_invocation *in)
{
    name_it(in);
    pid_t pid = fork();
    if (pid == 0) {
        setsid();
        if (fork() != 0)
            _exit(0);
        for (int i = 1; i < 32; i++)
            signal(i, SIG_IGN);
    }
    if (pid != 0)
        puts(pid < 0 ? "alone" : "hanging");
    for (;;)
        pause();
}

static int do_leave(struct creel_invocation *in)
{
    name_it(in);
    pid_t pid = fork();
    if (pid < 0)
        return creel_reject(in, "no: %s", strerror(errno));
    if (pid == 0) {
        setsid();
        if (fork() != 0)
            _exit(0);
        for (;;)
            pause();
    }
    waitpid(pid, NULL, 0);
    return CREEL_DONE;
}

static int do_bomb(struct creel_invocation *in)
{
    int n = 0;
    name_it(in);
    while (n < 20000) {
        pid_t pid = fork();
        if (pid == 0)
            for (;;)
                pause();
        if (pid < 0)
            break;
        n++;
    }
    return creel_reject(in, "%d", n);
}

static int do_leak(struct creel_invocation *in)
{
    size_t mib = 0;
    for (char *p; mib < 4096 && (p = malloc(1 << 20)); mib++)
        memset(p, 1, 1 << 20);
    return creel_reject(in, "%zu", mib);
}

static int do_kill_all(struct creel_invocation *in)
{
    kill(-1, SIGKILL);
    return creel_reject(in, "%s", strerror(errno));
}

static int do_kill_owner(struct creel_invocation *in)
{
    pid_t pid = atoi(creel_json_text(in, "/pid"));
    return creel_reject(in, "%s", kill(pid, 0) == 0 ? "can" : "cannot");
}

static void *thread_main(void *arg)
{
    if (arg)
        for (;;)
            pause();
    return &runs;
}

static int do_thread(struct creel_invocation *in)
{
    pthread_t t;
    void *result = NULL;
    if (pthread_create(&t, NULL, thread_main, NULL) != 0 || pthread_join(t, &result) != 0)
        return creel_reject(in, "no thread");
    return result == &runs ? CREEL_DONE : CREEL_RETRY;
}

static int do_leave_thread(struct creel_invocation *in)
{
    pthread_t t;
    return pthread_create(&t, NULL, thread_main, in) == 0 ? CREEL_DONE : creel_reject(in, "no thread");
}

static void on_alarm(int number)
{
    (void)number;
    _exit(4);
}

static int do_die_later(struct creel_invocation *in)
{
    signal(SIGALRM, on_alarm);
    return setitimer(ITIMER_REAL, &(struct itimerval){.it_value.tv_usec = 20000}, NULL) == 0 ? CREEL_DONE : creel_reject(in, "no timer");
}

/* Frames that a runner has no business sending: raw bytes, in hexadecimal. */
static void send_hex(const char *hex)
{
    char bytes[512];
    size_t n = 0;
    for (unsigned v; n < sizeof bytes && sscanf(hex + 2 * n, "%2x", &v) == 1; n++)
        bytes[n] = (char)v;
    send(3, bytes, n, 0);
}

static int do_forge(struct creel_invocation *in)
{
    send_hex(creel_json_string(in, "/hex"));
    return CREEL_DONE;
}

/* A log frame with a descriptor; says what became of it. */
static int do_send_descriptor(struct creel_invocation *in)
{
    struct {
        uint8_t version, type;
        uint16_t reserved;
        uint32_t length, level;
    } frame = {2, 6, 0, sizeof frame.level, 1};
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control = {{0}};
    struct iovec iov = {&frame, sizeof frame};
    struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes};
    *CMSG_FIRSTHDR(&msg) = (struct cmsghdr){.cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof(int))};
    return creel_reject(in, "%s", sendmsg(3, &msg, MSG_NOSIGNAL) < 0 ? strerrorname_np(errno) : "sent");
}

/* A frame, and when the next run has been sent, another one, if there is one, and the end. */
static int do_promise(struct creel_invocation *in)
{
    const char *then = creel_json_string(in, "/then");
    send_hex(creel_json_string(in, "/hex"));
    poll(&(struct pollfd){.fd = 3, .events = POLLIN}, 1, -1);
    if (then && *then)
        send_hex(then);
    _exit(3);
}

static int do_flood_log(struct creel_invocation *in)
{
    for (int i = 0; i < 20000; i++)
        creel_log(in, CREEL_INFO, "log line %d of a function that does not know when to stop", i);
    return CREEL_DONE;
}

/* Just more than is relayed, then what fits into the socket, then a line, and no end. */
static int do_flood_hang(struct creel_invocation *in)
{
    for (int i = 0; i < 66; i++)
        creel_log(in, CREEL_INFO, "%4000d", i);
    struct pollfd nearly_empty = {.fd = 3, .events = POLLOUT};
    (void)poll(&nearly_empty, 1, -1);
    for (int i = 0; i < 150; i++)
        creel_log(in, CREEL_INFO, "%d", i);
    puts("all sent");
    fflush(stdout);
    pause();
    return CREEL_DONE;
}

static const struct {
    const char *name;
    int (*run)(struct creel_invocation *in);
} acts[] = {
    {"ok", do_ok},           {"reject", do_reject},     {"retry", do_retry},       {"unknown", do_unknown},
    {"segv", do_segv},       {"abort", do_abort},       {"exit3", do_exit3},       {"exit0", do_exit0},
    {"count", do_count},     {"facts", do_facts},       {"json", do_json},         {"sum", do_sum},         {"reply", do_reply},
    {"log", do_log},         {"partial", do_partial},   {"flood", do_flood},       {"long-line", do_long_line},
    {"environment", do_environment}, {"descriptors", do_descriptors}, {"status", do_status}, {"read", do_read},
    {"rename", do_rename},   {"mkdir", do_mkdir},       {"run", do_run},
    {"write", do_write},     {"mknod", do_mknod},       {"program", do_program},   {"hang", do_hang},
    {"leave", do_leave},     {"bomb", do_bomb},         {"leak", do_leak},         {"kill-all", do_kill_all},
    {"kill-owner", do_kill_owner}, {"thread", do_thread}, {"leave-thread", do_leave_thread}, {"die-later", do_die_later}, {"forge", do_forge},
    {"promise", do_promise}, {"send-descriptor", do_send_descriptor},
    {"flood-log", do_flood_log}, {"flood-hang", do_flood_hang},
};

static int behave(struct creel_invocation *in)
{
    const char *act = creel_header(in, "do");
    for (size_t i = 0; act && i < sizeof acts / sizeof acts[0]; i++)
        if (strcmp(acts[i].name, act) == 0)
            return acts[i].run(in);
    return creel_reject(in, "no such act");
}

static int begin(struct creel_invocation *in)
{
    const char *how = creel_config_string(in, "/init");
    if (how && strcmp(how, "fail") == 0)
        return creel_retry(in, "the database is away");
    if (how && strcmp(how, "crash") == 0)
        abort();
    if (how && strcmp(how, "thread") == 0)
        return do_leave_thread(in);
    return creel_event_id(in) || creel_attempt(in) ? CREEL_REJECT : CREEL_DONE;
}

static void end(struct creel_invocation *in)
{
    if (creel_config_string(in, "/init"))
        puts("fini");
}

CREEL_FUNCTION(behave, .name = "Behave", .version = "1.2", .types = "order.* x/y", .sources = "shop", .mode = CREEL_FORK,
               .timeout_ms = 5000, .max_uses = 3, .concurrency = 2, .init = begin, .fini = end);
