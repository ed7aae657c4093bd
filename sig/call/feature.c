/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/call/feature.h"

/* Those that have the member. */
#define EACH_FEATURE(f, h, member)                                              \
	for (const struct call_feature *const *f = (h)->features; f && *f; f++) \
		if ((*f)->member)

void features_go(struct call_host *h, struct call *c)
{
	EACH_FEATURE(f, h, go)
	(*f)->go(h, c);
}

uint64_t features_due_ns(const struct call_host *h, const struct call *c)
{
	uint64_t next = 0;

	EACH_FEATURE(f, h, due_ns)
	{
		uint64_t due = (*f)->due_ns(c);

		if (due && (!next || due < next))
			next = due;
	}
	return next;
}

void features_resume(struct call_host *h, struct call *c)
{
	EACH_FEATURE(f, h, resume)
	(*f)->resume(h, c);
}

void features_established(struct call_host *h, struct call *c)
{
	EACH_FEATURE(f, h, established)
	(*f)->established(h, c);
}

bool features_untaken(struct call_host *h, struct call *c, const struct call_ending *e)
{
	EACH_FEATURE(f, h, untaken)
	{
		if ((*f)->untaken(h, c, e))
			return true;
	}
	return false;
}

void features_left(struct call_host *h, struct call *c, uint8_t leg)
{
	EACH_FEATURE(f, h, left)
	(*f)->left(c, leg);
}

void features_asked(struct call_host *h, struct call *c, struct bytes digits)
{
	EACH_FEATURE(f, h, asked)
	(*f)->asked(h, c, digits);
}

bool features_reached(struct call_host *h, struct call *c, struct bytes display, int *err,
		      struct call_refusal *refusal)
{
	EACH_FEATURE(f, h, reached)
	{
		if ((*f)->reached(h, c, display, err, refusal))
			return true;
	}
	return false;
}

void features_over(struct call_host *h, struct call *c)
{
	EACH_FEATURE(f, h, over)
	(*f)->over(h, c);
}

void features_write_lines(struct writer *w, const struct call_host *h, const struct call *c,
			  uint8_t leg)
{
	EACH_FEATURE(f, h, write_lines)
	(*f)->write_lines(w, h, c, leg);
}
