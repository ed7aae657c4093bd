/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Oracle: a plain array of deadlines. Nothing fires early, nothing is lost or fires twice, nothing is
 * more than a step late, and wheel_next_ns never lets the owner sleep too long.
 * Input: 8 bytes of start time, then operations of 3 bytes: what, which timer, how far.
 */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "base/clock.h"
#include "base/wheel.h"

enum { TIMERS = 32, OP_LEN = 3 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct model {
	struct wheel wheel;
	struct wheel_timer timers[TIMERS];
	uint64_t deadlines[TIMERS];
	bool running[TIMERS];
	uint32_t count;
	uint64_t now;
};

/* The last time there is: what is due in the two ms behind it rounds up to beyond 64 bits. */
#define LAST_NOW (UINT64_MAX - 2 * NS_PER_MS)

static struct model g_model;

static uint64_t add_clamped(uint64_t a, uint64_t b)
{
	uint64_t sum;

	return __builtin_add_overflow(a, b, &sum) ? UINT64_MAX : sum;
}

/* From nanoseconds to centuries: five bits of exponent pair, three of mantissa. */
static uint64_t distance(uint8_t far)
{
	return (uint64_t)(far & 7) << (far >> 3) * 2;
}

static void set_now(struct model *m, uint64_t now)
{
	m->now = now < LAST_NOW ? now : LAST_NOW;
}

static uint64_t rounded_up(uint64_t ns)
{
	uint64_t ms = ns / NS_PER_MS + (ns % NS_PER_MS != 0);

	return ms > UINT64_MAX / NS_PER_MS ? UINT64_MAX : ms * NS_PER_MS;
}

static void check_next(const struct model *m)
{
	uint64_t next = wheel_next_ns(&m->wheel);

	assert((next == UINT64_MAX) == (m->count == 0));
	for (int i = 0; i < TIMERS; i++)
		assert(!m->running[i] || next <= rounded_up(m->deadlines[i]));
}

static void start(struct model *m, uint32_t i, uint64_t deadline)
{
	m->count += !m->running[i];
	m->running[i] = true;
	m->deadlines[i] = deadline;
	wheel_start(&m->wheel, &m->timers[i], deadline);
}

static void stop(struct model *m, uint32_t i)
{
	m->count -= m->running[i];
	m->running[i] = false;
	wheel_stop(&m->wheel, &m->timers[i]);
}

/* Hands out up to max timers; true when the wheel says there are no more. */
static bool expire(struct model *m, unsigned max)
{
	while (max--) {
		const struct wheel_timer *t = wheel_expire(&m->wheel, m->now);
		size_t i;

		if (!t)
			return true;
		i = (size_t)(t - m->timers);
		assert(i < TIMERS && m->running[i]);
		assert(m->deadlines[i] <= m->now && t->deadline_ns == m->deadlines[i]);
		m->running[i] = false;
		m->count--;
	}
	return false;
}

static void check_nobody_is_late(const struct model *m)
{
	assert(m->count == 0 || wheel_next_ns(&m->wheel) > m->now);
	for (int i = 0; i < TIMERS; i++)
		assert(!m->running[i] || rounded_up(m->deadlines[i]) > m->now);
}

static void operate(struct model *m, uint8_t what, uint8_t which, uint8_t far)
{
	uint64_t next = wheel_next_ns(&m->wheel);

	switch (what % 8) {
	case 0:
	case 1:
		start(m, which % TIMERS, add_clamped(m->now, distance(far)));
		break;
	case 2:
		start(m, which % TIMERS,
		      m->now - (distance(far) > m->now ? m->now : distance(far)));
		break;
	case 3:
		stop(m, which % TIMERS);
		break;
	case 4:
		set_now(m, add_clamped(m->now, distance(far)));
		break;
	case 5: /* sleeps as long as it is allowed to */
		if (next != UINT64_MAX && next > m->now)
			set_now(m, next);
		break;
	case 6: /* the owner starts and stops others between two timers */
		(void)expire(m, which % 4);
		break;
	case 7:
		if (expire(m, TIMERS + 1))
			check_nobody_is_late(m);
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct model *m = &g_model;

	if (size < sizeof(m->now))
		return 0;
	memset(m, 0, sizeof(*m));
	memcpy(&m->now, data, sizeof(m->now));
	set_now(m, m->now);
	wheel_open(&m->wheel, m->now);
	for (size_t at = sizeof(m->now); at + OP_LEN <= size; at += OP_LEN) {
		operate(m, data[at], data[at + 1], data[at + 2]);
		assert(m->wheel.running == m->count);
		for (int i = 0; i < TIMERS; i++)
			assert(wheel_is_running(&m->timers[i]) == m->running[i]);
		check_next(m);
	}
	set_now(m, LAST_NOW); /* nothing is lost, however far away */
	assert(expire(m, TIMERS + 1));
	check_nobody_is_late(m);
	return 0;
}
