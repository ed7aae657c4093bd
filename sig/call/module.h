/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a module hears of the calls that it is part of. A call knows its modules by this alone, in the order of a list
 * (sig/pbx/modules.c), so that one more is a file of its own and a line there.
 */
#ifndef SIG_CALL_MODULE_H
#define SIG_CALL_MODULE_H

#include "sig/model/call.h"

struct call_ending;
struct call_refusal;

/* NULL: it does not care. */
struct module {
	/* After each step of the call. */
	void (*go)(struct call_host *h, struct call *c);
	/* When it wants the next one at the latest; 0: it does not. */
	uint64_t (*due_ns)(const struct call *c);
	/* The call goes on in another process. */
	void (*resume)(struct call_host *h, struct call *c);
	/* Two speak with each other, or one with the node. */
	void (*established)(struct call_host *h, struct call *c);
	/* Nobody took the call. True: it goes on all the same, and no other feature is asked. */
	bool (*untaken)(struct call_host *h, struct call *c, const struct call_ending *e);
	/* The party of a leg beside the bridge hung up. */
	void (*left)(struct call *c, uint8_t leg);
	/* The call ends. */
	void (*over)(struct call_host *h, struct call *c);
	/* What the node itself asked a caller for (prompts_collect): the keys, empty where none came. */
	void (*asked)(struct call_host *h, struct call *c, struct bytes digits);
	/* The last step of its plan is a number of no phone: what calls to it are begins. False: it is none of this feature's. True: *err is 0,
	 * or -errno with *refusal. */
	bool (*reached)(struct call_host *h, struct call *c, struct bytes display, int *err,
			struct call_refusal *refusal);
	/* Header lines of an INVITE to the leg. */
	void (*write_lines)(struct writer *w, const struct call_host *h, const struct call *c,
			    uint8_t leg);
};

/* All that there are (sig/pbx/modules.c); the last is NULL. For call_host.modules. */
extern const struct module *const modules[];

/* Each tells those that care. */
void modules_go(struct call_host *h, struct call *c);
/* The earliest; 0: none. */
uint64_t modules_due_ns(const struct call_host *h, const struct call *c);
void modules_resume(struct call_host *h, struct call *c);
void modules_established(struct call_host *h, struct call *c);
bool modules_untaken(struct call_host *h, struct call *c, const struct call_ending *e);
void modules_left(struct call_host *h, struct call *c, uint8_t leg);
void modules_over(struct call_host *h, struct call *c);
void modules_asked(struct call_host *h, struct call *c, struct bytes digits);
bool modules_reached(struct call_host *h, struct call *c, struct bytes display, int *err,
		     struct call_refusal *refusal);
void modules_write_lines(struct writer *w, const struct call_host *h, const struct call *c,
			 uint8_t leg);

#endif
