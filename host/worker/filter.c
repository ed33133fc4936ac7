/* SPDX-License-Identifier: MIT
 * filter: the system call filter of a runner that has no pid namespace: it may create threads but no process, keep its death
 * signal, and signal or look into nobody but itself. So that killing init and the runner is killing all. Classic BPF, built
 * where it is installed because it holds the runner's own pid.
 */
#include "worker/sandbox.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__x86_64__)
#define ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCH AUDIT_ARCH_AARCH64
#elif defined(__riscv) && __riscv_xlen == 64
#define ARCH AUDIT_ARCH_RISCV64
#endif

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define LOW(n) (offsetof(struct seccomp_data, args) + 8 * (n))
#else
#define LOW(n) (offsetof(struct seccomp_data, args) + 8 * (n) + 4)
#endif

#ifndef ARCH

enum err filter_apply(struct why *why)
{
    return why_set(why, ERR_UNSUPPORTED,
                   "functions cannot run here: there are no namespaces, and no system call filter for this processor");
}

#else

enum { X32_BIT = 0x40000000, OPS_MAX = 96 };

struct program {
    struct sock_filter op[OPS_MAX];
    unsigned short n;
};

static void op(struct program *p, unsigned short code, uint32_t k, uint8_t yes, uint8_t no)
{
    bug_if(p->n == OPS_MAX);
    p->op[p->n++] = (struct sock_filter){code, yes, no, k};
}

static void load(struct program *p, size_t offset)
{
    op(p, BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset, 0, 0);
}

static void answer(struct program *p, uint32_t action)
{
    op(p, BPF_RET | BPF_K, action, 0, 0);
}

/* if (number == nr) return action; the accumulator holds the number. */
static void on_call(struct program *p, long nr, uint32_t action)
{
    op(p, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)nr, 0, 1);
    answer(p, action);
}

/* if (number == nr) return (argument == value) == allowed_when_equal ? allow : refuse. */
static void on_call_with(struct program *p, long nr, size_t arg, uint32_t value, bool allowed_when_equal)
{
    op(p, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)nr, 0, 4);
    load(p, LOW(arg));
    op(p, BPF_JMP | BPF_JEQ | BPF_K, value, allowed_when_equal ? 1 : 0, allowed_when_equal ? 0 : 1);
    answer(p, SECCOMP_RET_ERRNO | EPERM);
    answer(p, SECCOMP_RET_ALLOW);
}

/* clone only with CLONE_THREAD. */
static void on_clone(struct program *p)
{
    op(p, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)SYS_clone, 0, 4);
    load(p, LOW(0));
    op(p, BPF_JMP | BPF_JSET | BPF_K, CLONE_THREAD, 1, 0);
    answer(p, SECCOMP_RET_ERRNO | EPERM);
    answer(p, SECCOMP_RET_ALLOW);
}

static const long refused[] = {
#ifdef SYS_fork
    SYS_fork,
#endif
#ifdef SYS_vfork
    SYS_vfork,
#endif
    SYS_ptrace, SYS_process_vm_readv, SYS_process_vm_writev, SYS_pidfd_open, SYS_pidfd_getfd, SYS_pidfd_send_signal,
    SYS_rt_sigqueueinfo, SYS_tkill, SYS_unshare, SYS_setns,
};

static void build(struct program *p)
{
    load(p, offsetof(struct seccomp_data, arch));
    op(p, BPF_JMP | BPF_JEQ | BPF_K, ARCH, 1, 0);
    answer(p, SECCOMP_RET_KILL_PROCESS);
    load(p, offsetof(struct seccomp_data, nr));
#ifdef __x86_64__
    op(p, BPF_JMP | BPF_JGE | BPF_K, X32_BIT, 0, 1);
    answer(p, SECCOMP_RET_ERRNO | ENOSYS);
#endif
    /* The number stays in the accumulator unless a call matched, and that always ends in an answer. ENOSYS, so that the C
     * library falls back to clone, whose flags can be looked at. */
    on_call(p, SYS_clone3, SECCOMP_RET_ERRNO | ENOSYS);
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++)
        on_call(p, refused[i], SECCOMP_RET_ERRNO | EPERM);
    uint32_t self = (uint32_t)getpid();
    on_call_with(p, SYS_kill, 0, self, true);
    on_call_with(p, SYS_tgkill, 0, self, true);
    on_call_with(p, SYS_rt_tgsigqueueinfo, 0, self, true);
    on_call_with(p, SYS_prlimit64, 0, 0, true); /* 0: itself; getrlimit is made of it */
    on_call_with(p, SYS_prctl, 0, PR_SET_PDEATHSIG, false);
    on_clone(p);
    answer(p, SECCOMP_RET_ALLOW);
}

enum err filter_apply(struct why *why)
{
    struct program p = {.n = 0};
    build(&p);
    struct sock_fprog prog = {p.n, p.op};
    if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog, 0, 0) != 0)
        return why_errno(why, "functions cannot run here: there are no namespaces, and a system call filter is refused");
    return ERR_OK;
}

#endif
