/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each allocation of a call fails once: the call may fail, the shard may not, and nothing is left behind. The allocator of this
 * executable is ours for that; sanitizers bring their own, so there the story is only told once.
 */
#include "tests/unit/sig/line.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define OWN_ALLOCATOR 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define OWN_ALLOCATOR 0
#endif
#endif
#ifndef OWN_ALLOCATOR
#define OWN_ALLOCATOR 1
#endif

static bool g_counting;
static uint64_t g_seen, g_fail_at;

#if OWN_ALLOCATOR
void *__libc_malloc(size_t n);
void *__libc_calloc(size_t count, size_t n);
void *__libc_realloc(void *p, size_t n);

static bool fails(void)
{
	return g_counting && ++g_seen == g_fail_at;
}

void *malloc(size_t n)
{
	return fails() ? NULL : __libc_malloc(n);
}

void *calloc(size_t count, size_t n)
{
	return fails() ? NULL : __libc_calloc(count, n);
}

void *realloc(void *p, size_t n)
{
	return fails() ? NULL : __libc_realloc(p, n);
}

void *reallocarray(void *p, size_t count, size_t n)
{
	return fails() ? NULL : __libc_realloc(p, count * n);
}
#endif

/* Everything a call can do in a few seconds; whoever hears nothing says nothing. */
static void story(struct line *l)
{
	struct rig *r = l->r;
	struct bytes m;

	phone_invite(&l->a, "1002", PHONE_SDP_A);
	if (!phone_rings(&l->b).n)
		return;
	phone_answer(&l->b, l->b.invite, "180 Ringing", "");
	phone_answer(&l->b, l->b.invite, "200 OK", PHONE_SDP_B);
	if (!phone_hears(&l->a, "SIP/2.0 200").n)
		return;
	phone_ack(&l->a);
	phone_request(&l->a, "INFO", "", "x=1");
	m = rig_take(r, &l->b.addr, "INFO ");
	if (m.n)
		phone_answer(&l->b, m, "200 OK", "");
	phone_request(&l->a, "INVITE", "", PHONE_SDP_A);
	m = rig_take(r, &l->b.addr, "INVITE ");
	if (m.n)
		phone_answer(&l->b, m, "200 OK", PHONE_SDP_B);
	phone_ack(&l->a);
	phone_request(&l->a, "BYE", "", "");
	m = rig_take(r, &l->b.addr, "BYE ");
	if (m.n)
		phone_answer(&l->b, m, "200 OK", "");
}

static void cancelled(struct line *l)
{
	phone_invite(&l->a, "1002", PHONE_SDP_A);
	if (!phone_rings(&l->b).n)
		return;
	phone_answer(&l->b, l->b.invite, "180 Ringing", "");
	phone_cancel(&l->a);
	phone_answer(&l->b, l->b.invite, "487 Request Terminated", "");
	phone_write(&l->a, "ACK", "", "");
}

/* From a record to its end. */
static void continued(struct line *l)
{
	const struct rig_save *s;
	const char *reason = "";

	g_counting = false;
	phones_talk(&l->a, &l->b);
	s = rig_record(l->r);
	shard_close(l->r->shard);
	rig_start_shard(l->r);
	g_counting = true;
	if (shard_restore_call(l->r->shard, text_bytes(&s->record), l->r->now, &reason))
		return;
	rig_run(l->r);
	shard_resume(l->r->shard, l->r->now);
	rig_run(l->r);
	phone_request(&l->a, "BYE", "", "");
}

static void hang_up(struct rig *r)
{
	struct call_view v;
	uint32_t cursor = 0;

	while (shard_call_next(r->shard, &cursor, &v)) {
		assert_int_equal(shard_hangup(r->shard, v.call, NULL, r->now), 0);
		rig_run(r);
	}
}

static void once(void (*tell)(struct line *l))
{
	struct line l;

	l.r = rig_open();
	phones_open(l.r, &l.a, &l.b);
	l.r->rolling = true;
	g_seen = 0;
	g_counting = true;
	tell(&l);
	g_counting = false;
	hang_up(l.r);
	rig_wait_ms(l.r, 200000);
	line_assert_idle(l.r);
	rig_close(l.r);
}

static void sweep(void (*tell)(struct line *l))
{
	g_fail_at = 0;
	do {
		g_fail_at++;
		once(tell);
	} while (g_seen >= g_fail_at);
	(void)printf("# %llu allocations\n", (unsigned long long)g_seen);
}

static void each_of_a_call(void **state)
{
	(void)state;
	sweep(story);
}

static void each_of_a_cancelled_call(void **state)
{
	(void)state;
	sweep(cancelled);
}

static void each_of_a_continued_call(void **state)
{
	(void)state;
	sweep(continued);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_of_a_call),
		cmocka_unit_test(each_of_a_cancelled_call),
		cmocka_unit_test(each_of_a_continued_call),
	};

	log_setup(-1, LOG_LEVEL_ERROR, LOG_FORMAT_TEXT);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
