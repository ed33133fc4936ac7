/* SPDX-License-Identifier: MIT
 * stage: see stage.h. Whatever does not work fails the test at once.
 */
#include "stage.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/codec.h"
#include "base/config.h"
#include "base/fs.h"
#include "base/secrets.h"
#include "intake/intake.h"

enum { PATIENCE_MS = 20000 };

static const char *path_in(const struct stage *s, const char *name)
{
    static char path[4][160];
    static unsigned next;
    char *p = path[next++ % 4];
    snprintf(p, sizeof path[0], "%s/%s", s->dir, name);
    return p;
}

static void write_file(const struct stage *s, const char *name, const char *text, mode_t mode)
{
    struct why w = {""};
    ck_assert_msg(fs_replace(AT_FDCWD, path_in(s, name), span_str(text), mode, &w) == ERR_OK, "%s", w.text);
}

static int listen_at(const char *path)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    snprintf(a.sun_path, sizeof a.sun_path, "%s", path);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
    ck_assert_int_eq(listen(fd, 512), 0);
    return fd;
}

void stage_configure(struct stage *s, const char *settings, const char *sources)
{
    struct buf b;
    buf_init(&b, 1 << 20);
    buf_printf(&b,
               "{\"spool\":\"%s/spool\",\"segment_size\":\"1MiB\",\"min_free\":\"1MiB\","
               "\"listen\":\"unix:%s/door\",\"control\":\"%s/control\",\"schemas\":\"%s/schemas\",%s",
               s->dir, s->dir, s->dir, s->dir, settings);
    if (!strstr(settings, "\"recipes\""))
        buf_printf(&b, "\"recipes\":\"%s\",", TEST_RECIPES);
    buf_puts(&b, "\"sources\":{");
    /* %D in the sources is the folder */
    for (const char *p = sources; *p; p++) {
        if (p[0] == '%' && p[1] == 'D') {
            buf_puts(&b, s->dir);
            p++;
        } else {
            buf_putc(&b, *p);
        }
    }
    buf_puts(&b, "}}");
    buf_putc(&b, 0);
    write_file(s, "creel.json", b.p, 0644);
    buf_fini(&b);
}

void stage_init(struct stage *s, const char *settings, const char *sources)
{
    struct why w = {""};
    *s = (struct stage){.supervisor_fd = -1, .peer_fd = -1};
    ck_assert_int_ge(sodium_init(), 0);
    snprintf(s->dir, sizeof s->dir, "/tmp/check_intake.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(s->dir));
    ck_assert_int_eq(mkdir(path_in(s, "spool"), 0700), 0);
    write_file(s, "key", "whsec_" STAGE_SECRET "\n", 0600);
    stage_configure(s, settings, sources);
    int pair[2];
    ck_assert_int_eq(channel_pair(pair, &w), ERR_OK);
    s->peer_fd = pair[0];
    s->peer_role_fd = pair[1];
    ck_assert_int_eq(shared_create(&s->shared_fd, &w), ERR_OK);
    ck_assert_int_eq(shared_map(s->shared_fd, &s->shared, &w), ERR_OK);
    s->listen_fd = listen_at(path_in(s, "door"));
    s->admin_fd = listen_at(path_in(s, "admin"));
}

static void report(void *arg, const char *text)
{
    (void)arg;
    fprintf(stderr, "%s\n", text);
}

static void load(struct stage *s, int *snapshot, int *secrets)
{
    struct config *c = NULL;
    struct why w = {""};
    ck_assert_int_eq(config_load(path_in(s, "creel.json"), report, NULL, &c), ERR_OK);
    ck_assert_msg(config_snapshot(c, snapshot, &w) == ERR_OK, "%s", w.text);
    ck_assert_msg(secrets_gather(c, -1, secrets, &w) == ERR_OK, "%s", w.text);
    config_free(c);
}

/* Put the descriptors where the role expects them; everything else is closed. */
static void place(const int fds[], int n)
{
    int high[8];
    for (int i = 0; i < n; i++)
        high[i] = fcntl(fds[i], F_DUPFD, 100);
    for (int i = 0; i < n; i++)
        dup2(high[i], ROLE_FD_SUPERVISOR + i);
    for (int i = ROLE_FD_FIRST_FREE; i < 256; i++)
        close(i);
}

static void await_message(const struct stage *s, struct channel_message *m, char *buf)
{
    struct pollfd p = {.fd = s->supervisor_fd, .events = POLLIN};
    ck_assert_int_eq(poll(&p, 1, PATIENCE_MS), 1);
    ck_assert_int_eq(channel_recv(s->supervisor_fd, buf, CHANNEL_PAYLOAD_BYTES + sizeof(struct channel_head), false, m),
                     ERR_OK);
}

void stage_start(struct stage *s)
{
    static char buf[CHANNEL_PAYLOAD_BYTES + sizeof(struct channel_head)];
    struct why w = {""};
    int pair[2], snapshot, secrets;
    ck_assert_int_eq(channel_pair(pair, &w), ERR_OK);
    load(s, &snapshot, &secrets);
    fflush(NULL);
    s->pid = fork();
    if (s->pid == 0) {
        const int fds[] = {pair[1], s->peer_role_fd, s->shared_fd, snapshot, secrets, s->listen_fd, s->admin_fd};
        place(fds, 7);
        exit(intake_main());
    }
    close(pair[1]);
    close(snapshot);
    close(secrets);
    s->supervisor_fd = pair[0];
    struct channel_message m = {0};
    await_message(s, &m, buf);
    ck_assert_msg(m.type == CHANNEL_READY, "%.*s", (int)m.payload.n, m.payload.p);
}

enum channel_type stage_prepare(struct stage *s, struct buf *reason)
{
    static char buf[CHANNEL_PAYLOAD_BYTES + sizeof(struct channel_head)];
    int fds[2];
    struct channel_message m = {0};
    load(s, &fds[0], &fds[1]);
    ck_assert_int_eq(channel_send(s->supervisor_fd, CHANNEL_PREPARE, SPAN_LIT(""), fds, 2), ERR_OK);
    close(fds[0]);
    close(fds[1]);
    await_message(s, &m, buf);
    buf_put_span(reason, m.payload);
    return m.type;
}

void stage_tell(struct stage *s, enum channel_type type)
{
    ck_assert_int_eq(channel_send(s->supervisor_fd, type, SPAN_LIT(""), NULL, 0), ERR_OK);
}

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int await_end(struct stage *s)
{
    int status = 0;
    int64_t until = now_ms() + PATIENCE_MS;
    while (waitpid(s->pid, &status, WNOHANG) == 0) {
        if (now_ms() > until) {
            kill(s->pid, SIGKILL);
            waitpid(s->pid, &status, 0);
            ck_abort_msg("intake did not stop");
        }
        poll(NULL, 0, 5);
    }
    s->pid = 0;
    close(s->supervisor_fd);
    s->supervisor_fd = -1;
    return status;
}

int stage_await_exit(struct stage *s)
{
    int status = await_end(s);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

void stage_stop(struct stage *s)
{
    stage_tell(s, CHANNEL_STOP);
    stage_tell(s, CHANNEL_STOP);
    int status = await_end(s);
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "intake ended with status %#x", (unsigned)status);
}

void stage_kill(struct stage *s)
{
    kill(s->pid, SIGKILL);
    await_end(s);
}

static void remove_all(const char *path)
{
    DIR *d = opendir(path);
    for (struct dirent *e; d && (e = readdir(d));) {
        char sub[512];
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        snprintf(sub, sizeof sub, "%s/%s", path, e->d_name);
        if (unlink(sub) != 0)
            remove_all(sub);
    }
    if (d)
        closedir(d);
    rmdir(path);
}

void stage_fini(struct stage *s)
{
    if (s->pid)
        stage_stop(s);
    close(s->peer_fd);
    close(s->peer_role_fd);
    close(s->shared_fd);
    close(s->listen_fd);
    close(s->admin_fd);
    munmap(s->shared, sizeof *s->shared);
    remove_all(s->dir);
}

/* --- client --- */

static int connect_to(const char *path)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    struct timeval patience = {PATIENCE_MS / 1000, 0};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    snprintf(a.sun_path, sizeof a.sun_path, "%s", path);
    ck_assert_int_ge(fd, 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&a, sizeof a), 0);
    return fd;
}

int stage_connect(const struct stage *s)
{
    return connect_to(path_in(s, "door"));
}

int stage_connect_admin(const struct stage *s)
{
    return connect_to(path_in(s, "admin"));
}

void put_record(struct buf *b, int type, int id, struct span content, size_t padding)
{
    const char header[8] = {
        1, (char)type, (char)(id >> 8), (char)id, (char)(content.n >> 8), (char)content.n, (char)padding, 0};
    static const char zeros[256];
    buf_put(b, header, sizeof header);
    buf_put_span(b, content);
    buf_put(b, zeros, padding);
}

void put_begin(struct buf *b, int id, bool keep)
{
    const char body[8] = {0, 1, keep, 0};
    put_record(b, 1, id, span_of(body, sizeof body), 0);
}

static void put_length(struct buf *b, size_t n)
{
    if (n < 128) {
        buf_putc(b, (char)n);
        return;
    }
    const char four[4] = {(char)(n >> 24 | 0x80), (char)(n >> 16), (char)(n >> 8), (char)n};
    buf_put(b, four, sizeof four);
}

void put_pair(struct buf *b, const char *name, const char *value)
{
    put_length(b, strlen(name));
    put_length(b, strlen(value));
    buf_puts(b, name);
    buf_puts(b, value);
}

/* Content in records of at most 65,528 bytes, then the empty one. */
static void put_stream(struct buf *b, int type, struct span s)
{
    while (s.n > 0) {
        size_t n = s.n < 65528 ? s.n : 65528;
        put_record(b, type, 1, span_of(s.p, n), -n & 7);
        s = span_skip(s, n);
    }
    put_record(b, type, 1, SPAN_LIT(""), 0);
}

void put_call(struct buf *b, const struct call *c)
{
    struct buf params;
    char length[24];
    buf_init(&params, 1 << 20);
    snprintf(length, sizeof length, "%zu", c->body.n);
    put_pair(&params, "REQUEST_METHOD", c->method ? c->method : "POST");
    put_pair(&params, "REQUEST_URI", c->uri);
    put_pair(&params, "REMOTE_ADDR", c->remote ? c->remote : "192.0.2.7");
    if (c->content_type)
        put_pair(&params, "CONTENT_TYPE", c->content_type);
    put_pair(&params, "CONTENT_LENGTH", c->length ? c->length : length);
    for (const char *const *h = c->headers; h && *h; h += 2)
        put_pair(&params, h[0], h[1]);
    put_begin(b, 1, c->keep);
    put_stream(b, 4, buf_span(&params));
    put_stream(b, 5, c->body);
    buf_fini(&params);
}

void send_all(int fd, struct span s)
{
    while (s.n > 0) {
        ssize_t n = send(fd, s.p, s.n, MSG_NOSIGNAL);
        if (n < 0)
            return; /* closed on us: what follows will see it */
        s = span_skip(s, (size_t)n);
    }
}

static bool read_exactly(int fd, char *p, size_t n)
{
    while (n > 0) {
        ssize_t got = recv(fd, p, n, 0);
        ck_assert_msg(got >= 0 || errno != EAGAIN, "no answer came");
        if (got <= 0)
            return false;
        p += got;
        n -= (size_t)got;
    }
    return true;
}

void read_answer(int fd, struct answer *a)
{
    unsigned char h[8];
    static char content[65536 + 256];
    *a = (struct answer){0};
    buf_init(&a->text, 1 << 20);
    while (!a->ended && read_exactly(fd, (char *)h, sizeof h)) {
        size_t n = (size_t)(h[4] << 8 | h[5]);
        ck_assert(read_exactly(fd, content, n + h[6]));
        if (h[1] == 6)
            buf_put(&a->text, content, n);
        a->ended = h[1] == 3;
    }
    if (a->text.n > 8 && memcmp(a->text.p, "Status: ", 8) == 0)
        a->status = atoi(a->text.p + 8);
}

void answer_fini(struct answer *a)
{
    buf_fini(&a->text);
}

struct span answer_header(const struct answer *a, const char *name)
{
    struct span rest = buf_span(&a->text), want = span_str(name);
    while (rest.n > 0) {
        const char *end = memchr(rest.p, '\r', rest.n);
        size_t n = end ? (size_t)(end - rest.p) : rest.n;
        if (n == 0)
            break;
        if (n > want.n + 2 && span_eq_nocase(span_of(rest.p, want.n), want) && rest.p[want.n] == ':')
            return span_of(rest.p + want.n + 2, n - want.n - 2);
        rest = span_skip(rest, n + 2);
    }
    return SPAN_LIT("");
}

struct span answer_body(const struct answer *a)
{
    struct span s = buf_span(&a->text);
    const char *end = memmem(s.p, s.n, "\r\n\r\n", 4);
    return end ? span_skip(s, (size_t)(end - s.p) + 4) : SPAN_LIT("");
}

void stage_call(const struct stage *s, const struct call *c, struct answer *a)
{
    struct buf b;
    int fd = stage_connect(s);
    buf_init(&b, 64 << 20);
    put_call(&b, c);
    send_all(fd, buf_span(&b));
    read_answer(fd, a);
    buf_fini(&b);
    close(fd);
}

const char *const *signed_headers(const char *id, int64_t at_s, struct span body)
{
    static char id_text[128], time_text[24], signature[128];
    static const char *const list[] = {
        "HTTP_WEBHOOK_ID", id_text, "HTTP_WEBHOOK_TIMESTAMP", time_text, "HTTP_WEBHOOK_SIGNATURE", signature, NULL};
    uint8_t key[64], mac[crypto_auth_hmacsha256_BYTES];
    size_t key_bytes = 0;
    struct buf content;
    snprintf(id_text, sizeof id_text, "%s", id);
    snprintf(time_text, sizeof time_text, "%lld", (long long)at_s);
    ck_assert_int_eq(base64_decode(SPAN_LIT(STAGE_SECRET), key, sizeof key, &key_bytes), ERR_OK);
    buf_init(&content, 64 << 20);
    buf_printf(&content, "%s.%s.", id_text, time_text);
    buf_put_span(&content, body);
    crypto_auth_hmacsha256_state state;
    crypto_auth_hmacsha256_init(&state, key, key_bytes);
    crypto_auth_hmacsha256_update(&state, (const uint8_t *)content.p, content.n);
    crypto_auth_hmacsha256_final(&state, mac);
    memcpy(signature, "v1,", 3);
    base64_encode(mac, sizeof mac, signature + 3);
    buf_fini(&content);
    return list;
}

void await_stat(const struct stage *s, enum stat_id id, int64_t n)
{
    int64_t until = now_ms() + PATIENCE_MS;
    while (atomic_load(&s->shared->stats[id]) < n) {
        ck_assert_msg(now_ms() < until, "counter %s stays at %lld", stat_rows[id].name,
                      (long long)atomic_load(&s->shared->stats[id]));
        poll(NULL, 0, 2);
    }
}

int journal_lines(const struct stage *s, const char *text)
{
    return spool_lines(s, "journal", text);
}

int spool_lines(const struct stage *s, const char *folder, const char *text)
{
    char path[200];
    int n = 0;
    snprintf(path, sizeof path, "%s/spool/%s", s->dir, folder);
    DIR *d = opendir(path);
    ck_assert_ptr_nonnull(d);
    for (struct dirent *e; (e = readdir(d));) {
        size_t len = strlen(e->d_name);
        struct buf b;
        struct why w = {""};
        if (len < 6 || strcmp(e->d_name + len - 6, ".jsonl") != 0)
            continue;
        buf_init(&b, 256 << 20);
        ck_assert_msg(fs_read(dirfd(d), e->d_name, &b, &w) == ERR_OK, "%s", w.text);
        for (struct span rest = buf_span(&b); rest.n > 0;) {
            const char *end = memchr(rest.p, '\n', rest.n);
            size_t line = end ? (size_t)(end - rest.p) : rest.n;
            n += line > 0 && memmem(rest.p, line, text, strlen(text)) != NULL;
            rest = span_skip(rest, line + 1);
        }
        buf_fini(&b);
    }
    closedir(d);
    return n;
}
