/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Packets over networks of several kinds, played in ticks of 20 ms, for ten minutes and more. Oracle: the fixed delay that is the best for the
 * same share of packets that are missed, chosen when all have come.
 */
#include "tests/unit/test.h"

#include "media/rtp/jitter.h"
#include "tests/unit/media/jitter_path.h"

enum {
	HZ = 8000,
	MS = HZ / 1000,
	TICK_MS = 20,
	FIRST_TIMESTAMP = -HZ * 60, /* it turns round within a minute */
	PACKETS_MAX = 2 * 3600 * 50,
	PACE_UNITS = MS * 5, /* what is left out of speech, or added to it, at a time */
};

struct run {
	path_fn *path;
	double ppm; /* by how much the sender's clock is slow */
	uint32_t seconds;
	uint32_t packet_ms; /* 0: 20 */
	bool obeys;
	bool pauses; /* the sender sends nothing in silence, and says so with the last packet before it */
};

struct sent {
	double at, late; /* ms: by its timestamp, of its arrival */
	uint32_t number, sequence;
};

struct result {
	double delay;                   /* mean, ms behind the quickest */
	double first_delay, last_delay; /* of the first and the last minute */
	double missed;                  /* share of frames that were concealed */
	double dropped;                 /* share of packets that came and were not played */
	double fixed;                   /* the best fixed delay at as many missed */
};

static struct sent g_sent[PACKETS_MAX];
static double g_late[PACKETS_MAX];

static int by_arrival(const void *a, const void *b)
{
	const struct sent *x = a, *y = b;
	double d = x->at + x->late - y->at - y->late;

	if (d == 0)
		return x->number < y->number ? -1 : 1;
	return d < 0 ? -1 : 1;
}

static int by_value(const void *a, const void *b)
{
	double d = *(const double *)a - *(const double *)b;

	return d < 0 ? -1 : d > 0;
}

/* Speech of 1.2 s, 0.8 s of silence. */
static bool is_silent(double ms)
{
	return fmod(ms, 2000) >= 1200;
}

static double sent_at(const struct run *r, uint32_t number)
{
	return number * r->packet_ms * (1 + r->ppm / 1e6);
}

/* In order of arrival. Their number. */
static uint32_t packets_send(const struct run *r)
{
	struct path p = { .seed = 88172645463325252 };
	uint32_t n = 0;

	for (uint32_t i = 0; i * r->packet_ms < r->seconds * 1000; i++) {
		p.now = sent_at(r, i);
		if (r->pauses && is_silent(i * r->packet_ms))
			continue;
		g_sent[n] = (struct sent){
			.at = p.now, .late = r->path(&p), .number = i, .sequence = n
		};
		g_late[n] = g_sent[n].late;
		n++;
	}
	qsort(g_sent, n, sizeof(*g_sent), by_arrival);
	qsort(g_late, n, sizeof(*g_late), by_value);
	return n;
}

struct player {
	const struct run *run;
	struct jitter *j;
	double heard; /* ms: up to here there are samples */
	double sum, first_sum, last_sum;
	uint32_t played, lost, first, last;
	double least;
};

static double frame_ms(const struct jitter_frame *f)
{
	return (uint32_t)(f->timestamp - (uint32_t)FIRST_TIMESTAMP) / (double)MS;
}

/* Units. */
static uint32_t frame_heard(const struct jitter_frame *f, bool obeys)
{
	uint32_t by = f->spare < PACE_UNITS ? f->spare : PACE_UNITS;
	uint32_t all = f->spare < f->units ? f->spare : f->units;

	if (f->kind != JITTER_PLAY || !obeys)
		return f->units;
	switch (f->pace) {
	case JITTER_STEADY:
		break;
	case JITTER_SHRINK_SILENCE:
		return f->units - (is_silent(frame_ms(f)) ? all : 0);
	case JITTER_SHRINK:
		return f->units - (is_silent(frame_ms(f)) ? all : by);
	case JITTER_STRETCH:
		return f->units + by;
	}
	return f->units;
}

static void packet_put(const struct player *p, const struct sent *s)
{
	static const uint8_t octets[480];
	uint32_t ms = p->run->packet_ms;
	const struct jitter_packet packet = {
		.arrival_ns = (uint64_t)((s->at + s->late) * 1e6),
		.timestamp = (uint32_t)FIRST_TIMESTAMP + s->number * ms * MS,
		.sequence = (uint16_t)s->sequence,
		.units = ms * MS,
		.pauses = p->run->pauses && is_silent((s->number + 1) * ms),
		.payload = bytes_mem(octets, (size_t)ms * MS),
	};

	(void)jitter_put(p->j, &packet);
}

static void delay_add(struct player *p, double ms)
{
	double delay = p->heard - ms * (1 + p->run->ppm / 1e6) - p->least;

	p->played++;
	p->sum += delay;
	if (ms >= 10000 && ms < 70000) {
		p->first++;
		p->first_sum += delay;
	}
	if (ms >= (p->run->seconds - 60) * 1000.0) {
		p->last++;
		p->last_sum += delay;
	}
}

/* What is needed until the tick ends. */
static void frame_play(struct player *p, double now)
{
	struct jitter_frame f;

	jitter_get(p->j, (uint64_t)(now * 1e6), (uint64_t)((p->heard - now) * 1e6), &f);
	if (f.kind == JITTER_PLAY)
		delay_add(p, frame_ms(&f));
	p->lost += f.kind == JITTER_LOST;
	p->heard += frame_heard(&f, p->run->obeys) / (double)MS;
	if (f.kind == JITTER_SILENCE)
		p->heard = now + TICK_MS;
}

static struct result result_of(const struct player *p, uint32_t n)
{
	const struct jitter_counts *c = jitter_counts(p->j);
	struct result r = {
		.delay = p->sum / p->played,
		.first_delay = p->first_sum / p->first,
		.last_delay = p->last_sum / p->last,
		.missed = (double)p->lost / n,
		.dropped = (double)(c->late + c->dropped) / n,
	};

	assert_int_equal(c->rebased, 0); /* also where timestamps turn round */
	r.fixed = g_late[(uint32_t)((1 - fmin(r.missed, 1)) * (n - 1))] - p->least;
	return r;
}

static struct result path_run(struct run run)
{
	const struct jitter_settings settings = { .clock_hz = HZ,
						  .slots = 64,
						  .octets = 480,
						  .tick_ms = TICK_MS,
						  .min_ms = 5,
						  .start_ms = 40,
						  .max_ms = 400 };
	struct player p = { .run = &run };
	uint32_t came = 0, n;

	run.packet_ms = run.packet_ms ? run.packet_ms : 20;
	n = packets_send(&run);
	p.least = g_late[0];
	assert_int_equal(jitter_open(&p.j, &settings), 0);
	for (double now = 0.3; came < n; now += TICK_MS) {
		for (; came < n && g_sent[came].at + g_sent[came].late <= now; came++)
			packet_put(&p, &g_sent[came]);
		if (p.heard < now)
			p.heard = now;
		while (p.heard < now + TICK_MS)
			frame_play(&p, now);
	}

	struct result r = result_of(&p, n);

	jitter_close(p.j);
	return r;
}

static void result_print(const char *name, const struct result *r)
{
	print_message("# %s: delay %.1f ms (%.1f to %.1f), missed %.2f %%, dropped %.2f %%, best "
		      "fixed %.1f ms\n",
		      name, r->delay, r->first_delay, r->last_delay, 100 * r->missed,
		      100 * r->dropped, r->fixed);
}

#define ASSERT_AT_MOST(name, what, value, most)                                           \
	do {                                                                              \
		if ((value) > (most))                                                     \
			fail_msg("%s: %s %.4f, more than %.4f", name, what, value, most); \
	} while (0)

/* missed: frames of which the network lost none. dropped: what was overtaken too late. A tick costs 20 ms where the network costs nothing. */
static void test_against_the_best_fixed_delay(void **state)
{
	static const struct {
		const char *name;
		struct run run;
		double missed, dropped, ratio; /* at most */
	} rows[] = {
		{ "constant", { path_constant, .seconds = 600 }, 0, 0, 0 },
		{ "Gaussian", { path_gaussian, .seconds = 600 }, 0.004, 0.0001, 1.2 },
		{ "Gaussian, 10 ms", { path_gaussian, .seconds = 600, .packet_ms = 10 }, 0.002, 0.0001, 1.25 },
		{ "Gaussian, 30 ms", { path_gaussian, .seconds = 600, .packet_ms = 30 }, 0.002, 0.0001, 1.3 },
		{ "Gaussian, 60 ms", { path_gaussian, .seconds = 600, .packet_ms = 60 }, 0.002, 0.0001, 1.25 },
		{ "spikes", { path_spikes, .seconds = 600 }, 0.01, 0.0004, 1.1 },
		{ "spikes, with pauses", { path_spikes, .seconds = 600, .pauses = true }, 0.006, 0.0004, 1 },
		{ "Wi-Fi", { path_wifi, .seconds = 600 }, 0.004, 0.0001, 1.1 },
		{ "Wi-Fi, 10 ms", { path_wifi, .seconds = 600, .packet_ms = 10 }, 0.005, 0.0006, 1.15 },
		{ "Wi-Fi, 60 ms", { path_wifi, .seconds = 600, .packet_ms = 60 }, 0.006, 0.0001, 1.15 },
		{ "Wi-Fi, with pauses", { path_wifi, .seconds = 600, .pauses = true }, 0.003, 0.0004, 1.1 },
		{ "reordered", { path_reordered, .seconds = 600 }, 0.001, 0.0001, 1.1 },
		{ "queue", { path_queue, .seconds = 600 }, 0.002, 0.0001, 1.15 },
		{ "queue, with pauses", { path_queue, .seconds = 600, .pauses = true }, 0.002, 0.0004, 1.15 },
		{ "routes", { path_routes, .seconds = 600 }, 0.003, 0.0001, 0.75 },
		{ "heavy tail", { path_heavy_tail, .seconds = 600 }, 0.01, 0.005, 1.15 },
	}, *row;

	(void)state;
	EACH_ROW(row, rows)
	{
		struct run run = row->run;

		run.obeys = true;

		struct result r = path_run(run);

		result_print(row->name, &r);
		ASSERT_AT_MOST(row->name, "missed", r.missed, row->missed);
		ASSERT_AT_MOST(row->name, "dropped", r.dropped, row->dropped);
		ASSERT_AT_MOST(row->name, "delay", r.delay,
			       r.fixed * row->ratio + (r.fixed > 0 ? 0 : 21));
	}
}

/* Who only plays misses less and hears all later: what grew at once shrinks where the sender pauses alone. */
static void test_advice_that_is_not_followed(void **state)
{
	static const struct {
		const char *name;
		struct run run;
		double missed, delay;
	} rows[] = {
		{ "constant", { path_constant, .seconds = 600 }, 0, 46 },
		{ "Gaussian", { path_gaussian, .seconds = 600 }, 0.001, 95 },
		{ "spikes", { path_spikes, .seconds = 600 }, 0.001, 160 },
		{ "Wi-Fi", { path_wifi, .seconds = 600 }, 0.001, 110 },
		{ "heavy tail", { path_heavy_tail, .seconds = 600 }, 0.002, 160 },
		{ "spikes, with pauses", { path_spikes, .seconds = 600, .pauses = true }, 0.006, 100 },
		{ "Wi-Fi, with pauses", { path_wifi, .seconds = 600, .pauses = true }, 0.003, 90 },
	}, *row;

	(void)state;
	EACH_ROW(row, rows)
	{
		struct result r = path_run(row->run);

		result_print(row->name, &r);
		ASSERT_AT_MOST(row->name, "missed", r.missed, row->missed);
		ASSERT_AT_MOST(row->name, "delay", r.delay, row->delay);
	}
}

/* A sender whose clock is not ours, for two hours: 3.6 s more or less at the end. */
static void test_clocks_that_differ(void **state)
{
	static const struct {
		const char *name;
		struct run run;
		double missed, dropped;
		double apart; /* ms between the delays of the first minute and the last, at most */
	} rows[] = {
		{ "fast", { path_gaussian, -500, 7200, 20, true, false }, 0.001, 0.0001, 5 },
		{ "slow", { path_gaussian, 500, 7200, 20, true, false }, 0.001, 0.0001, 5 },
		{ "a little fast", { path_gaussian, -50, 1800, 20, true, false }, 0.002, 0.0001, 5 },
		{ "fast, not followed", { path_gaussian, -500, 7200, 20, false, false }, 0.001, 0.001, 60 },
		{ "slow, not followed", { path_gaussian, 500, 7200, 20, false, false }, 0.001, 0.0001, 15 },
		{ "fast, pauses, not followed", { path_gaussian, -500, 7200, 20, false, true }, 0.001, 0.0001, 5 },
		{ "slow, pauses, not followed", { path_gaussian, 500, 7200, 20, false, true }, 0.001, 0.0001, 5 },
	}, *row;

	(void)state;
	EACH_ROW(row, rows)
	{
		struct result r = path_run(row->run);

		result_print(row->name, &r);
		ASSERT_AT_MOST(row->name, "missed", r.missed, row->missed);
		ASSERT_AT_MOST(row->name, "dropped", r.dropped, row->dropped);
		ASSERT_AT_MOST(row->name, "apart", fabs(r.last_delay - r.first_delay), row->apart);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_against_the_best_fixed_delay),
		cmocka_unit_test(test_advice_that_is_not_followed),
		cmocka_unit_test(test_clocks_that_differ),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
