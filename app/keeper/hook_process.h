/* SPDX-License-Identifier: Apache-2.0 */
/* What the sides of hook.h have in common. */
#ifndef APP_KEEPER_HOOK_PROCESS_H
#define APP_KEEPER_HOOK_PROCESS_H

#include "app/keeper/hook.h"

/* Messages of a SOCK_SEQPACKET pair. */
struct hook_order {
	enum hook_word word;
	uint16_t shard;
	struct addr ip;
};
struct hook_said {
	enum hook_result result;
	struct addr ip;
};

/* Until the other end is closed and all is said. The descriptor is the only one above standard error. */
void hook_process(int orders, const struct hook_settings *s);

/* One run of the program. */
struct hook_program {
	pid_t pid;
	int end;    /* readable when it has ended */
	int output; /* -1: no more */
	uint64_t until_ns;
	struct addr ip; /* of whom its lines are */
	unsigned lines;
	size_t n;
	char line[240];
};

/* 0 or -errno. */
int hook_program_start(struct hook_program *p, const struct hook_settings *s,
		       const struct hook_order *order, uint64_t now_ns) NODISCARD;
/* Says what it has written so far. */
void hook_program_hear(struct hook_program *p);
/* It has ended, or is killed now. */
enum hook_result hook_program_end(struct hook_program *p, bool late);

#endif
