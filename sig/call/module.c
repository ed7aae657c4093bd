/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/call/module.h"

/* Those that have the member. */
#define EACH_MODULE(f, h, member)                                        \
	for (const struct module *const *f = (h)->modules; f && *f; f++) \
		if ((*f)->member)

void modules_go(struct call_host *h, struct call *c)
{
	EACH_MODULE(f, h, go)
	(*f)->go(h, c);
}

uint64_t modules_due_ns(const struct call_host *h, const struct call *c)
{
	uint64_t next = 0;

	EACH_MODULE(f, h, due_ns)
	{
		uint64_t due = (*f)->due_ns(c);

		if (due && (!next || due < next))
			next = due;
	}
	return next;
}

void modules_resume(struct call_host *h, struct call *c)
{
	EACH_MODULE(f, h, resume)
	(*f)->resume(h, c);
}

void modules_established(struct call_host *h, struct call *c)
{
	EACH_MODULE(f, h, established)
	(*f)->established(h, c);
}

bool modules_untaken(struct call_host *h, struct call *c, const struct call_ending *e)
{
	EACH_MODULE(f, h, untaken)
	{
		if ((*f)->untaken(h, c, e))
			return true;
	}
	return false;
}

void modules_left(struct call_host *h, struct call *c, uint8_t leg)
{
	EACH_MODULE(f, h, left)
	(*f)->left(c, leg);
}

void modules_asked(struct call_host *h, struct call *c, struct bytes digits)
{
	EACH_MODULE(f, h, asked)
	(*f)->asked(h, c, digits);
}

bool modules_reached(struct call_host *h, struct call *c, struct bytes display, int *err,
		     struct call_refusal *refusal)
{
	EACH_MODULE(f, h, reached)
	{
		if ((*f)->reached(h, c, display, err, refusal))
			return true;
	}
	return false;
}

void modules_over(struct call_host *h, struct call *c)
{
	EACH_MODULE(f, h, over)
	(*f)->over(h, c);
}

void modules_write_lines(struct writer *w, const struct call_host *h, const struct call *c,
			 uint8_t leg)
{
	EACH_MODULE(f, h, write_lines)
	(*f)->write_lines(w, h, c, leg);
}
