/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The mixer of conferences: who of the members is heard, their sum, and what each member hears
 * (mix.h). Room jobs of the engine (engine/job/room.c) run it every 20 ms. All talkers are summed
 * once; a member that talks gets the sum less its own samples, so the cost grows with the talkers
 * and not with the listeners. Limiters are kept per stream, because a limiter's gain depends on
 * what went before.
 */

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "dsp/limiter.h"
#include "dsp/mix/mix.h"
#include "dsp/mix/mix_wide.h"

#define SMOOTH    0.25f /* of each tick's loudness */
#define PAUSE_DB  1.0f  /* less for each tick of a pause */
#define LEVEL_MAX 127

void rank_open(struct rank *r, struct rank_member *members, uint32_t places, uint32_t hold)
{
	assert(places >= 1 && places <= RANK_PLACES_MAX);
	*r = (struct rank){ .members = members, .places = places, .hold = hold, .tick = 1 };
	for (uint32_t i = 0; i < RANK_PLACES_MAX; i++)
		r->place[i] = RANK_NOBODY;
}

bool rank_has(const struct rank *r, uint32_t member)
{
	for (uint32_t i = 0; i < r->places; i++) {
		if (r->place[i] == member)
			return true;
	}
	return false;
}

/* In its place in the order, or not at all. */
static void rank_rival(struct rank *r, uint32_t member)
{
	float loud = r->members[member].loud;
	uint32_t at = r->rivals_n;

	while (at > 0 && r->members[r->rivals[at - 1]].loud < loud)
		at--;
	if (at == r->places)
		return;
	if (r->rivals_n < r->places)
		r->rivals_n++;
	for (uint32_t i = r->rivals_n - 1; i > at; i--)
		r->rivals[i] = r->rivals[i - 1];
	r->rivals[at] = member;
}

void rank_note(struct rank *r, uint32_t member, uint8_t level)
{
	struct rank_member *m = &r->members[member];
	float loud = (float)(LEVEL_MAX - (level > LEVEL_MAX ? LEVEL_MAX : level));

	if (m->at == r->tick)
		return;
	m->run = m->at == r->tick - 1 ? m->run + 1 : 1;
	m->loud = m->run > 1 || rank_has(r, member) ? m->loud + SMOOTH * (loud - m->loud) : loud;
	m->at = r->tick;
	if (!rank_has(r, member))
		rank_rival(r, member);
}

static float rank_loud(const struct rank *r, uint32_t place)
{
	const struct rank_member *m = &r->members[r->place[place]];

	return m->loud - PAUSE_DB * (float)(r->tick - m->at);
}

/* A free place, else that of the quietest. */
static uint32_t rank_weakest(const struct rank *r)
{
	uint32_t least = 0;

	for (uint32_t i = 0; i < r->places; i++) {
		if (r->place[i] == RANK_NOBODY)
			return i;
		if (rank_loud(r, i) < rank_loud(r, least))
			least = i;
	}
	return least;
}

static bool rank_wins(const struct rank *r, uint32_t rival, uint32_t place)
{
	const struct rank_member *m = &r->members[rival];

	return r->place[place] == RANK_NOBODY ||
	       (m->run >= RANK_RUN && m->loud >= rank_loud(r, place) + RANK_LEAD_DB);
}

void rank_tick(struct rank *r)
{
	for (uint32_t i = 0; i < r->places; i++) {
		if (r->place[i] != RANK_NOBODY && r->tick - r->members[r->place[i]].at > r->hold)
			r->place[i] = RANK_NOBODY;
	}
	for (uint32_t i = 0; i < r->rivals_n; i++) {
		uint32_t place = rank_weakest(r);

		if (rank_wins(r, r->rivals[i], place))
			r->place[place] = r->rivals[i];
	}
	r->rivals_n = 0;
	r->tick++;
}

void rank_forget(struct rank *r, uint32_t member)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < r->places; i++) {
		if (r->place[i] == member)
			r->place[i] = RANK_NOBODY;
	}
	for (uint32_t i = 0; i < r->rivals_n; i++) {
		if (r->rivals[i] != member)
			r->rivals[kept++] = r->rivals[i];
	}
	r->rivals_n = kept;
	r->members[member] = (struct rank_member){ 0 };
}

static void sum_scale(const int16_t *pcm, int32_t *out, uint32_t n, struct ramp r)
{
	for (size_t i = gain_scale_wide(pcm, out, n, r); i < n; i++)
		out[i] = (int32_t)lrintf((float)pcm[i] * (r.from + (float)i * r.step));
}

static void sum_widen(const int16_t *pcm, int32_t *out, uint32_t n)
{
	for (size_t i = mix_widen_wide(pcm, out, n); i < n; i++)
		out[i] = pcm[i];
}

void sum_add(int32_t *sum, const int32_t *in, uint32_t n)
{
	for (size_t i = mix_add_wide(sum, in, n); i < n; i++)
		sum[i] += in[i];
}

void sum_less(const int32_t *sum, const int32_t *in, int32_t *out, uint32_t n)
{
	for (size_t i = mix_less_wide(sum, in, out, n); i < n; i++)
		out[i] = sum[i] - in[i];
}

static void sum_add_pcm(int32_t *sum, const int16_t *pcm, uint32_t n)
{
	for (size_t i = mix_add_pcm_wide(sum, pcm, n); i < n; i++)
		sum[i] += pcm[i];
}

static int16_t sum_cut(int32_t v)
{
	return (int16_t)(v > INT16_MAX ? INT16_MAX : v < INT16_MIN ? INT16_MIN : v);
}

/* sum less pcm, cut off where it is beyond 32767 either way. False: some was. */
static bool sum_less_pcm(const int32_t *sum, const int16_t *pcm, int16_t *out, uint32_t n)
{
	bool fits = true;

	for (size_t i = mix_less_pcm_wide(sum, pcm, out, n, &fits); i < n; i++) {
		int32_t v = sum[i] - pcm[i];

		fits &= v <= INT16_MAX && v >= -INT16_MAX;
		out[i] = sum_cut(v);
	}
	return fits;
}

/* The same in 32 bits: the largest that there is, as a positive number. */
static int32_t sum_part_pcm(const int32_t *sum, const int16_t *pcm, int32_t *out, uint32_t n)
{
	int32_t peak = 0;

	for (size_t i = mix_part_pcm_wide(sum, pcm, out, n, &peak); i < n; i++) {
		out[i] = sum[i] - pcm[i];
		peak = abs(out[i]) > peak ? abs(out[i]) : peak;
	}
	return peak;
}

/* A step is a click: it is made a slope over n samples. */
static void sum_slope(int32_t *out, int32_t from, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		out[i] += from * (int32_t)(n - i) / (int32_t)n;
}

enum {
	TICK_MS = 20,
	TALKERS = 3,
	HOLD_MS = 500,
	SEAM_PER_S = 200 /* so short is one */,
	MIX_LINE = 64
};

/* Talkers are heard by all, coaches by one each. */
enum { TALKS, COACHES, KINDS };

static_assert((int)MIX_TALKERS_MAX == (int)RANK_PLACES_MAX, "a place for each talker");
static_assert((uint32_t)MIX_NOBODY == (uint32_t)RANK_NOBODY, "the same nobody");

struct mix_member {
	const int16_t *said;         /* in the tick put_at */
	uint32_t put_at, apart_at;   /* ticks: it was put, and it hears something of its own */
	uint32_t own_at;             /* the tick in which that was asked for last */
	struct limiter before, mine; /* of its own: as it was before that tick, and behind it */
	float gain, gain_next;       /* its gain when it speaks, and from then on */
	float gain_output;           /* when that tick began */
	uint32_t coaches;            /* the member that hears it, or MIX_NOBODY */
	bool used, muted, deaf, coach;
	bool added;  /* in the tick put_at: to the sum, as a talker's */
	bool begins; /* likewise: to be heard */
};

/* A member that was put in a tick, and its voice's last sample. */
struct mix_voice {
	uint32_t member;
	int32_t end;
};

struct mix_space {
	int32_t part[MIX_SAMPLES_MAX];
	int16_t own[MIX_SAMPLES_MAX], shared[MIX_SAMPLES_MAX];
};

struct mix {
	struct mix_settings s;
	uint32_t samples, tick;
	/* Of the shared frame: now, and before this tick. */
	struct limiter limiter, before;
	struct rank rank[KINDS];
	struct mix_space *own, *space; /* own NULL: it is lent */
	int32_t *sum;                  /* of this tick */
	bool summed;                   /* something is in it */
	uint32_t guests_n;             /* in this tick */
	uint32_t voices_n[KINDS], ended_n;
	struct mix_voice *voices[KINDS];
	struct mix_voice *ended; /* talkers of the tick before */
	uint32_t apart_n, *apart;
	uint32_t unused_n, *unused; /* a stack of numbers */
	struct rank_member *ranks;
	struct mix_member members[];
};

struct mix_space *mix_space_open(void)
{
	return calloc(1, sizeof(struct mix_space));
}

void mix_space_close(struct mix_space *space)
{
	free(space);
}

void mix_lend(struct mix *m, struct mix_space *space)
{
	m->space = space;
}

void mix_fetch(const struct mix *m)
{
	const char *to = (const char *)&m->members[MIX_TALKERS_MAX];

	for (const char *p = (const char *)m; p < to; p += MIX_LINE)
		__builtin_prefetch(p, 1);
}

void mix_fetch_member(const struct mix *m, uint32_t member)
{
	__builtin_prefetch(&m->members[member], 1);
	__builtin_prefetch(&m->ranks[member], 1);
}

void mix_fetch_input(const struct mix *m, uint32_t member)
{
	const struct mix_member *of = &m->members[member];

	if (of->put_at != m->tick)
		return;
	for (uint32_t i = 0; i < m->samples; i += MIX_LINE / sizeof(*of->said))
		__builtin_prefetch(of->said + i);
}

static bool mix_fits(const struct mix_settings *s)
{
	bool rate = s->rate == 8000 || s->rate == 16000 || s->rate == 48000;

	return rate && s->members >= 1 && s->members <= MIX_MEMBERS_MAX &&
	       (s->tick_ms == 10 || s->tick_ms == 20) &&
	       (s->talkers <= MIX_TALKERS_MAX || s->talkers == MIX_TALKERS_ALL);
}

static void mix_prepare(struct mix *m, const struct mix_settings *s)
{
	uint32_t hold = s->hold_ms / s->tick_ms;
	uint32_t places = s->talkers == MIX_TALKERS_ALL ? MIX_TALKERS_MAX : s->talkers;

	m->s = *s;
	m->samples = s->rate / 1000 * s->tick_ms;
	m->tick = 1;
	rank_open(&m->rank[TALKS], m->ranks, places, hold);
	rank_open(&m->rank[COACHES], m->ranks, MIX_TALKERS_MAX, hold);
	for (uint32_t i = s->members; i > 0; i--)
		m->unused[m->unused_n++] = i - 1;
}

/* So many may be put in a tick. */
static uint32_t mix_voices_most(const struct mix_settings *s)
{
	return s->talkers == MIX_TALKERS_ALL ? s->members : MIX_TALKERS_MAX;
}

static bool mix_lists_open(struct mix *m, const struct mix_settings *s)
{
	uint32_t most = mix_voices_most(s);

	m->unused = calloc(s->members, sizeof(*m->unused));
	m->ranks = calloc(s->members, sizeof(*m->ranks));
	m->sum = calloc(s->rate / 1000 * s->tick_ms, sizeof(*m->sum));
	m->voices[TALKS] = calloc(most, sizeof(struct mix_voice));
	m->voices[COACHES] = calloc(most, sizeof(struct mix_voice));
	m->ended = calloc(most, sizeof(*m->ended));
	m->apart = calloc(2UL * most, sizeof(*m->apart));
	m->own = s->lent ? NULL : mix_space_open();
	m->space = m->own;
	return m->unused && m->ranks && m->sum && m->voices[TALKS] && m->voices[COACHES] &&
	       m->ended && m->apart && (m->own || s->lent);
}

int mix_open(struct mix **out, const struct mix_settings *given)
{
	struct mix_settings s = *given;

	s.tick_ms = s.tick_ms ? s.tick_ms : TICK_MS;
	s.talkers = s.talkers ? s.talkers : TALKERS;
	s.hold_ms = s.hold_ms ? s.hold_ms : HOLD_MS;
	if (!mix_fits(&s))
		return -EINVAL;

	struct mix *m = calloc(1, sizeof(*m) + s.members * sizeof(m->members[0]));

	if (!m)
		return -ENOMEM;
	if (!mix_lists_open(m, &s)) {
		mix_close(m);
		return -ENOMEM;
	}
	mix_prepare(m, &s);
	*out = m;
	return 0;
}

void mix_close(struct mix *m)
{
	if (!m)
		return;
	mix_space_close(m->own);
	free(m->apart);
	free(m->ended);
	free(m->voices[COACHES]);
	free(m->voices[TALKS]);
	free(m->sum);
	free(m->unused);
	free(m->ranks);
	free(m);
}

uint32_t mix_samples(const struct mix *m)
{
	return m->samples;
}

struct mix_settings mix_settings_of(const struct mix *m)
{
	return m->s;
}

static struct mix_member *mix_member(struct mix *m, uint32_t member)
{
	assert(member < m->s.members && m->members[member].used);
	return &m->members[member];
}

int mix_join(struct mix *m, uint32_t *member)
{
	if (m->unused_n == 0)
		return -ENOSPC;
	*member = m->unused[--m->unused_n];
	m->members[*member] = (struct mix_member){
		.used = true, .gain = 1, .gain_next = 1, .coaches = MIX_NOBODY
	};
	return 0;
}

static void mix_forget(struct mix *m, uint32_t member)
{
	for (int kind = 0; kind < KINDS; kind++)
		rank_forget(&m->rank[kind], member);
}

/* A member with a reused number must not become the one that a coach speaks to. */
void mix_leave(struct mix *m, uint32_t member)
{
	struct mix_member *of = mix_member(m, member);

	of->used = false;
	of->put_at = 0; /* its frame may be gone */
	mix_forget(m, member);
	for (uint32_t i = 0; i < m->s.members; i++) {
		if (m->members[i].coaches == member)
			m->members[i].coaches = MIX_NOBODY;
	}
	m->unused[m->unused_n++] = member;
}

void mix_mute(struct mix *m, uint32_t member, bool muted)
{
	mix_member(m, member)->muted = muted;
	if (muted)
		mix_forget(m, member);
}

void mix_deafen(struct mix *m, uint32_t member, bool deaf)
{
	mix_member(m, member)->deaf = deaf;
}

int mix_gain(struct mix *m, uint32_t member, int db)
{
	if (db < -MIX_GAIN_DB_MAX || db > MIX_GAIN_DB_MAX)
		return -EINVAL;
	mix_member(m, member)->gain_next = powf(10, (float)db / 20);
	return 0;
}

int mix_coach(struct mix *m, uint32_t coach, uint32_t of_party)
{
	struct mix_member *c = mix_member(m, coach);

	if (of_party == coach ||
	    (of_party != MIX_NOBODY && (of_party >= m->s.members || !m->members[of_party].used)))
		return -EINVAL;
	mix_forget(m, coach);
	c->coach = of_party != MIX_NOBODY;
	c->coaches = of_party;
	return 0;
}

void mix_note(struct mix *m, uint32_t member, uint8_t level)
{
	struct mix_member *of = mix_member(m, member);

	if (!of->muted)
		rank_note(&m->rank[of->coach ? COACHES : TALKS], member, level);
}

void mix_tick(struct mix *m)
{
	struct mix_voice *ended = m->ended;

	m->tick++;
	m->ended = m->voices[TALKS];
	m->ended_n = m->voices_n[TALKS];
	m->voices[TALKS] = ended;
	m->voices_n[TALKS] = m->voices_n[COACHES] = 0;
	m->guests_n = m->apart_n = 0;
	m->summed = false;
}

uint32_t mix_rank(struct mix *m, uint32_t members[2 * MIX_TALKERS_MAX])
{
	uint32_t n = 0;

	for (int kind = 0; kind < KINDS; kind++) {
		struct rank *r = &m->rank[kind];

		rank_tick(r);
		for (uint32_t i = 0; i < r->places; i++) {
			if (r->place[i] != RANK_NOBODY)
				members[n++] = r->place[i];
		}
	}
	return n;
}

/* The first that comes into it need not be added. */
static void mix_sum_add_pcm(struct mix *m, const int16_t *pcm)
{
	if (m->summed)
		sum_add_pcm(m->sum, pcm, m->samples);
	else
		sum_widen(pcm, m->sum, m->samples);
	m->summed = true;
}

static void mix_sum_clear(struct mix *m)
{
	if (!m->summed)
		memset(m->sum, 0, m->samples * sizeof(m->sum[0]));
	m->summed = true;
}

/* ---- members' audio ---- */

/* Its audio is heard unchanged. */
static bool mix_input_is_plain(const struct mix_member *of)
{
	return of->gain_output == 1 && of->gain == 1 && !of->begins;
}

/* Its audible samples; a member that becomes audible within a word fades in. */
static void mix_input_read(const struct mix *m, const struct mix_member *of, int32_t *out)
{
	struct ramp r = { .from = of->gain_output,
			  .step = (of->gain - of->gain_output) / (float)m->samples };

	if (of->gain_output == 1 && of->gain == 1)
		sum_widen(of->said, out, m->samples);
	else
		sum_scale(of->said, out, m->samples, r);
	if (of->begins)
		sum_slope(out, -out[0], m->s.rate / SEAM_PER_S);
}

/* All hear it: it is added. Where it stands in the end. */
static int32_t mix_input_add(struct mix *m, const struct mix_member *of)
{
	int32_t *part = m->space->part;

	if (mix_input_is_plain(of)) {
		mix_sum_add_pcm(m, of->said);
		return of->said[m->samples - 1];
	}
	mix_input_read(m, of, part);
	mix_sum_clear(m);
	sum_add(m->sum, part, m->samples);
	return part[m->samples - 1];
}

void mix_put(struct mix *m, uint32_t member, const int16_t *pcm)
{
	struct mix_member *of = mix_member(m, member);
	int kind = of->coach ? COACHES : TALKS;
	struct mix_voice *v = &m->voices[kind][m->voices_n[kind]];
	bool all = m->s.talkers == MIX_TALKERS_ALL && !of->muted;

	if (of->put_at == m->tick || !(all || rank_has(&m->rank[kind], member)))
		return;
	of->begins = m->s.seams && kind == TALKS && !(of->added && of->put_at + 1 == m->tick);
	of->added = kind == TALKS;
	of->said = pcm;
	of->put_at = m->tick;
	of->gain_output = of->gain;
	of->gain = of->gain_next;
	v->member = member;
	if (kind == TALKS)
		v->end = mix_input_add(m, of);
	m->voices_n[kind]++;
}

/* ---- guests ---- */

void mix_guest(struct mix *m, const int16_t *pcm)
{
	mix_sum_add_pcm(m, pcm);
	m->guests_n++;
}

void mix_minus_guest(const struct mix *m, const int16_t *pcm, struct limiter *limiter, int16_t *out)
{
	int32_t less[MIX_SAMPLES_MAX];

	for (uint32_t i = 0; i < m->samples; i++)
		less[i] = m->sum[i] - pcm[i];
	limiter_frame(limiter, m->s.rate, less, out, m->samples);
}

/* ---- what is heard ---- */

/* In what all hear. */
static bool mix_talks(const struct mix *m, const struct mix_member *of)
{
	return of->put_at == m->tick && of->added;
}

/* A member that is heard no more leaves no step. False: there was no such member. */
static bool mix_ends(struct mix *m)
{
	bool any = false;

	for (uint32_t i = 0; i < m->ended_n; i++) {
		if (mix_talks(m, &m->members[m->ended[i].member]))
			continue;
		sum_slope(m->sum, m->ended[i].end, m->s.rate / SEAM_PER_S);
		any = true;
	}
	return any;
}

static void mix_apart_note(struct mix *m, uint32_t member)
{
	struct mix_member *of = &m->members[member];

	if (of->apart_at == m->tick)
		return;
	of->apart_at = m->tick;
	m->apart[m->apart_n++] = member;
}

bool mix_sum(struct mix *m)
{
	bool ends;

	mix_sum_clear(m);
	ends = m->s.seams && mix_ends(m);
	m->before = m->limiter;
	limiter_frame(&m->limiter, m->s.rate, m->sum, m->space->shared, m->samples);
	for (uint32_t i = 0; i < m->voices_n[TALKS]; i++)
		mix_apart_note(m, m->voices[TALKS][i].member);
	for (uint32_t i = 0; i < m->voices_n[COACHES]; i++) {
		uint32_t of_party = m->members[m->voices[COACHES][i].member].coaches;

		if (of_party != MIX_NOBODY)
			mix_apart_note(m, of_party);
	}
	return m->voices_n[TALKS] > 0 || ends || m->guests_n > 0;
}

/* The limiter that its own stream goes on from: the shared one's at the beginning. */
static struct limiter own_limiter(const struct mix *m, struct mix_member *of)
{
	if (of->own_at == m->tick)
		return of->before;
	of->before = of->own_at + 1 == m->tick ? of->mine : m->before;
	of->own_at = m->tick;
	return of->before;
}

/* The sum less its own audio; and a coach's voice, which it alone hears. */
static void own_sum(struct mix *m, uint32_t member, int32_t *out)
{
	const struct mix_member *of = &m->members[member];
	int32_t said[MIX_SAMPLES_MAX];

	memcpy(out, m->sum, m->samples * sizeof(*out));
	if (mix_talks(m, of)) {
		mix_input_read(m, of, said);
		sum_less(out, said, out, m->samples);
	}
	for (uint32_t i = 0; i < m->voices_n[COACHES]; i++) {
		const struct mix_member *coach = &m->members[m->voices[COACHES][i].member];

		if (coach->coaches != member || coach->put_at != m->tick)
			continue;
		mix_input_read(m, coach, said);
		sum_add(out, said, m->samples);
	}
}

/* What all others hear less its own samples, as it mostly is. */
static void own_of_samples(const struct mix *m, const int16_t *said, struct limiter *l)
{
	int32_t *part = m->space->part, peak;

	if (limiter_rests(l) && sum_less_pcm(m->sum, said, m->space->own, m->samples))
		return;
	peak = sum_part_pcm(m->sum, said, part, m->samples);
	limiter_frame_of(l, m->s.rate, part, m->space->own, m->samples, (float)peak);
}

static void own_make(struct mix *m, uint32_t member)
{
	struct mix_member *of = &m->members[member];
	struct limiter l = own_limiter(m, of);

	if (m->voices_n[COACHES] == 0 && mix_talks(m, of) && mix_input_is_plain(of)) {
		own_of_samples(m, of->said, &l);
	} else {
		own_sum(m, member, m->space->part);
		limiter_frame(&l, m->s.rate, m->space->part, m->space->own, m->samples);
	}
	of->mine = l;
}

struct mix_input mix_input(struct mix *m, uint32_t member)
{
	if (mix_is_deaf(m, member))
		return (struct mix_input){ 0 };
	if (!mix_is_apart(m, member))
		return (struct mix_input){ .pcm = m->space->shared, .shared = true };
	own_make(m, member);
	return (struct mix_input){ .pcm = m->space->own };
}

bool mix_is_deaf(const struct mix *m, uint32_t member)
{
	assert(member < m->s.members && m->members[member].used);
	return m->members[member].deaf;
}

const int16_t *mix_shared(const struct mix *m)
{
	return m->space->shared;
}

bool mix_is_apart(const struct mix *m, uint32_t member)
{
	return m->members[member].apart_at == m->tick;
}

/* A member may have left after the sum. */
bool mix_apart(const struct mix *m, uint32_t *at, uint32_t *member)
{
	while (*at < m->apart_n) {
		*member = m->apart[(*at)++];
		if (m->members[*member].used && mix_is_apart(m, *member))
			return true;
	}
	return false;
}
