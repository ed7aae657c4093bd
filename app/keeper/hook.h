/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A program of the operator's that is told which floating addresses come to this machine, and which
 * go: for clouds and routers that must know. It is run as
 *
 *     PROGRAM add|delete ADDRESS PREFIX SHARD NODE
 *
 * by a process of its own, which the keeper forks and which outlives it: nothing waits for a
 * program. That process has no privilege and no descriptor of the node. One program runs at a time
 * for an address, and the last order is told last.
 */
#ifndef APP_KEEPER_HOOK_H
#define APP_KEEPER_HOOK_H

#include <sys/types.h>

#include "base/addr.h"

#define HOOK_LIMIT_NS UINT64_C(5000000000)

enum { HOOK_RUNS_MAX = 4 };

enum hook_word {
	HOOK_ADD,
	HOOK_DELETE,     /* of one that was added; else nothing */
	HOOK_DELETE_ALL, /* the node is gone: no address */
};

enum hook_result {
	HOOK_DONE,
	HOOK_FAILED, /* another exit status than 0, or a signal */
	HOOK_LATE,   /* killed at the limit */
	HOOK_NOT_RUN,
	HOOK_RESULTS,
};

struct hook_settings {
	/* node.state_dir: programs of an earlier start end before the first of this one */
	const char *dir;
	const char *program, *node;
	uint64_t limit_ns; /* of one run */
};

struct hook {
	int fd; /* -1: none */
	pid_t pid;
};

/* Why a file cannot be that program, as a part of a sentence; NULL: it can. */
const char *hook_fault(const char *program);
/* By the keeper, which has one thread. 0 or -errno. */
int hook_fork(struct hook *out, const struct hook_settings *s) NODISCARD;
void hook_send(const struct hook *h, enum hook_word word, const struct addr *ip, uint16_t shard);
/* 0: a program of that address has ended so; -EAGAIN; -EPIPE: the process is gone. */
int hook_receive(const struct hook *h, enum hook_result *result, struct addr *ip) NODISCARD;
void hook_close(struct hook *h); /* it goes on with what it was told */

#endif
