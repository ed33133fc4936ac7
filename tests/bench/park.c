/* SPDX-License-Identifier: MIT
 * park: what the door is measured against: a plain libfcgi responder in park mode (threads share one epoll set; a
 * thread takes a connection only when it is readable) that reads the body and answers a constant.
 *     park SOCKET          nothing else
 *     park SOCKET FILE     appends each body to FILE first and answers after a sync that the batch shares; requests are
 *                          handed to one committing thread, which answers them
 * It trusts its peer, checks nothing, and is no example of how to write a responder. Ends at SIGTERM.
 */
#include <errno.h>
#include <fcgiapp.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { THREADS = 2, BODY_BYTES = 64 * 1024, FILE_BYTES = 1 << 30, FILL_BYTES = 1 << 20 };

struct parked {
    FCGX_Request r;
    int fd;
    struct parked *next;
    int body_bytes;
    char body[BODY_BYTES];
};

static int epoll_fd, listen_fd, file_fd = -1;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t filled = PTHREAD_COND_INITIALIZER;
static struct parked *queue;

static void watch(struct parked *p, int op)
{
    struct epoll_event e = {.events = EPOLLIN | EPOLLONESHOT, .data.ptr = p};
    epoll_ctl(epoll_fd, op, p ? p->fd : listen_fd, &e);
}

static void answer(struct parked *p)
{
    FCGX_PutS("Status: 202 Accepted\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}", p->r.out);
    FCGX_Finish_r(&p->r);
    if (p->r.ipcFd >= 0) {
        watch(p, EPOLL_CTL_MOD);
    } else {
        free(p);
    }
}

static void take(void)
{
    int fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC);
    watch(NULL, EPOLL_CTL_MOD);
    if (fd < 0)
        return;
    struct parked *p = calloc(1, sizeof *p);
    if (!p)
        abort();
    p->fd = fd;
    FCGX_InitRequest(&p->r, -1, 0);
    watch(p, EPOLL_CTL_ADD);
}

static void serve(struct parked *p)
{
    p->r.ipcFd = p->fd;
    p->r.keepConnection = 1;
    if (FCGX_Accept_r(&p->r) != 0) {
        free(p);
        return;
    }
    p->body_bytes = FCGX_GetStr(p->body, BODY_BYTES, p->r.in);
    if (file_fd < 0) {
        answer(p);
        return;
    }
    pthread_mutex_lock(&lock);
    p->next = queue;
    queue = p;
    pthread_cond_signal(&filled);
    pthread_mutex_unlock(&lock);
}

static void *work(void *arg)
{
    struct epoll_event e;
    for (;;) {
        if (epoll_wait(epoll_fd, &e, 1, -1) < 1)
            continue;
        if (e.data.ptr)
            serve(e.data.ptr);
        else
            take();
    }
    return arg;
}

static void commit_for_ever(void)
{
    static char batch[256 * BODY_BYTES];
    off_t at = 0;
    for (;;) {
        size_t n = 0;
        pthread_mutex_lock(&lock);
        while (!queue)
            pthread_cond_wait(&filled, &lock);
        struct parked *all = queue;
        queue = NULL;
        pthread_mutex_unlock(&lock);
        for (struct parked *p = all; p; p = p->next) {
            memcpy(batch + n, p->body, (size_t)p->body_bytes);
            n += (size_t)p->body_bytes;
        }
        if (at + (off_t)n > FILE_BYTES)
            at = 0;
        if (pwrite(file_fd, batch, n, at) != (ssize_t)n || fdatasync(file_fd) != 0)
            abort();
        at += (off_t)n;
        while (all) {
            struct parked *p = all;
            all = p->next;
            answer(p);
        }
    }
}

static void end(int sig)
{
    (void)sig;
    _exit(0);
}

static void open_file(const char *path)
{
    static char blank[FILL_BYTES];
    memset(blank, '\n', sizeof blank);
    file_fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    for (off_t at = 0; at < FILE_BYTES / 4; at += FILL_BYTES)
        if (file_fd < 0 || pwrite(file_fd, blank, FILL_BYTES, at) != FILL_BYTES) {
            perror(path);
            exit(111);
        }
    fsync(file_fd);
}

int main(int argc, char **argv)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    pthread_t thread;
    if (argc < 2) {
        fputs("usage: park SOCKET [FILE]\n", stderr);
        return 100;
    }
    if (argc > 2)
        open_file(argv[2]);
    snprintf(a.sun_path, sizeof a.sun_path, "%s", argv[1]);
    listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (bind(listen_fd, (struct sockaddr *)&a, sizeof a) != 0 || chmod(argv[1], 0666) != 0 ||
        listen(listen_fd, 512) != 0) {
        perror(argv[1]);
        return 111;
    }
    FCGX_Init();
    signal(SIGTERM, end);
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    watch(NULL, EPOLL_CTL_ADD);
    for (int i = 0; i < THREADS; i++)
        pthread_create(&thread, NULL, work, NULL);
    if (file_fd >= 0)
        commit_for_ever();
    pthread_join(thread, NULL);
    return 0;
}
