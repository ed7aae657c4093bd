/* SPDX-License-Identifier: Apache-2.0 */
/* Who is sent what, and how often something is encoded for that. What is heard when a member changes: payloads_switch_test.c. */
#include "tests/unit/test.h"

#include <errno.h>
#include <malloc.h>

#include "tests/unit/dsp/mix/room.h"

enum { A, B, C, L, M, LISTENERS = 40, NOT_OPUS = 4 };

#define BIT(i) (1U << (i))

static const struct packer_settings g_opus = { .encoder = { "opus", 20, 20000, 1, .rate = 16000,
							    .voice = true },
					       .pause = PACKER_PAUSE_SENT };

/* Each codec, rate and packet time at least once. */
static const struct encoding {
	struct packer_settings s;
	uint32_t rate, tick_ms; /* of the mix */
} g_encodings[] = {
	{ { { "PCMU" } }, 8000, 20 },
	{ { { "PCMA", .packet_ms = 10 } }, 16000, 20 },
	{ { { "PCMU", .packet_ms = 60 } }, 48000, 20 },
	{ { { "L16", .rate = 16000 } }, 48000, 20 },
	{ { { "G722" } }, 16000, 20 },
	{ { { "G722", .packet_ms = 40 } }, 8000, 10 },
	{ { { "G722", .packet_ms = 10 } }, 48000, 20 },
	{ { { "G726-32" } }, 16000, 10 },
	{ { { "opus", 20, 20000, 1, .rate = 16000, .voice = true }, PACKER_PAUSE_SENT },
	  16000,
	  20 },
	{ { { "opus", 60, 20000, 1, .rate = 16000, .voice = true }, PACKER_PAUSE_SENT },
	  48000,
	  20 },
	{ { { "opus", 10, 28000, 1, .rate = 48000, .voice = true }, PACKER_PAUSE_SENT },
	  48000,
	  20 },
	{ { { "opus", 40, 28000, 1, .voice = true }, PACKER_PAUSE_SENT }, 48000, 10 },
	{ { { "opus", 20, 12000, 0 }, PACKER_PAUSE_SENT }, 16000, 20 },
};

static uint32_t packet_ms_of(const struct packer_settings *s)
{
	return s->encoder.packet_ms ? s->encoder.packet_ms : CODEC_PACKET_MS;
}

/* Of a codec without a past, each tick a packet of the mix's rate: nobody has a stream of its own. */
static bool encoding_is_plain(const struct packer_settings *s, uint32_t rate, uint32_t tick_ms)
{
	bool g711 = !strcmp(s->encoder.codec, "PCMU") || !strcmp(s->encoder.codec, "PCMA");
	uint32_t own = g711 ? 8000 : !strcmp(s->encoder.codec, "L16") ? s->encoder.rate : 0;

	return own == rate && packet_ms_of(s) == tick_ms;
}

static void assert_same_packets(struct payloads_sent a, struct payloads_sent b)
{
	assert_int_equal(a.count, b.count);
	for (uint32_t i = 0; i < a.count; i++) {
		struct bytes x = a.packets[i].octets, y = b.packets[i].octets;

		assert_int_equal(a.packets[i].kind, b.packets[i].kind);
		assert_int_equal(x.n, y.n);
		assert_memory_equal(x.p, y.p, x.n);
	}
}

static void assert_sent(struct payloads_sent sent, const struct alone *a)
{
	assert_int_equal(sent.count, a->count);
	for (uint32_t i = 0; i < a->count; i++) {
		assert_int_equal(sent.packets[i].kind, PACKER_SOUND);
		assert_int_equal(sent.packets[i].octets.n, a->lengths[i]);
		assert_memory_equal(sent.packets[i].octets.p, a->octets[i], (size_t)a->lengths[i]);
	}
}

/* ---- shared ---- */

/* All who listen have the very same octets, those of an encoder that hears what they hear, and each packet is encoded once. */
static void test_listeners_share(void **state)
{
	const struct encoding *e;

	(void)state;
	EACH_ROW(e, g_encodings)
	{
		struct room r;
		struct alone alone;
		uint64_t packets = 0;

		room_open(&r, e->rate, e->tick_ms, L + LISTENERS, 0);
		alone_open(&alone, &r, &e->s);
		for (uint32_t i = L; i < r.n; i++)
			room_join(&r, i, &e->s);
		encoder_look_forward(alone.encoder); /* as for who joins */
		for (uint32_t t = 0; t < 60; t++) {
			room_tick(&r, BIT(A) | BIT(B) | BIT(C));
			alone_hear(&alone, mix_shared(r.mix));
			assert_sent(room_sent(&r, L), &alone);
			packets += alone.count;
			for (uint32_t i = L; i < r.n; i++) {
				struct payloads_sent sent = room_sent(&r, i);

				assert_int_equal(sent.subject, PAYLOADS_SHARED);
				assert_ptr_equal(sent.packets, room_sent(&r, L).packets);
			}
		}
		assert_int_equal(packets, 60 * e->tick_ms / packet_ms_of(&e->s));
		assert_int_equal(payloads_counts(r.payloads).shared, packets);
		assert_int_equal(payloads_counts(r.payloads).own, 0);
		alone_close(&alone);
		room_close(&r);
	}
}

/* One encode for each encoding, and one for each who talks, however many listen. */
static void test_encodes_are_counted(void **state)
{
	static const struct packer_settings sets[NOT_OPUS] = {
		{ { "PCMU" } }, { { "PCMA" } }, { { "G722" } }, { { "L16" } }
	};
	struct room r;
	struct payloads_counts c;

	(void)state;
	room_open(&r, 16000, 20, ROOM_MEMBERS, 0);
	for (uint32_t i = 0; i < r.n; i++)
		room_join(&r, i, i % 5 < NOT_OPUS ? &sets[i % 5] : &g_opus);
	for (uint32_t t = 0; t < 100; t++)
		room_tick(&r, BIT(A) | BIT(B) | BIT(C));
	c = payloads_counts(r.payloads);
	assert_int_equal(c.shared, 500);
	assert_int_equal(c.own, 300);
	assert_int_equal(c.copies, 3);
	assert_int_equal(c.rested + c.returns + c.starved, 0);
	for (uint32_t i = 0; i < r.n; i++) {
		assert_int_equal(room_sent(&r, i).subject, i <= C ? PAYLOADS_OWN : PAYLOADS_SHARED);
		if (i > C + 5)
			assert_same_packets(room_sent(&r, i), room_sent(&r, i - 5));
	}
	room_close(&r);
}

/* Settings that come to the same are one encoding; others are not. */
static void test_what_is_one_encoding(void **state)
{
	static const struct packer_settings same[] = {
		{ { "opus", 0, 20000, 1 } },
		{ { "opus", 20, 20000, 1, .rate = 16000 } },
		{ { "opus", 20, 20000, 1, .dtx = true }, PACKER_PAUSE_KEPT, 65 },
	}, others[] = {
		{ { "opus", 20, 20000, 2 } },
		{ { "opus", 40, 20000, 1 } },
		{ { "opus", 20, 20000, 1, .rate = 8000 } },
		{ { "opus", 20, 20000, 1, .voice = true } },
		{ { "opus", 20, 20000, 1, .loss_percent = 5 } },
		{ { "opus", 20, 20000, 1 }, PACKER_PAUSE_NOTHING },
	};
	struct room r;
	uint32_t n = 1;

	(void)state;
	room_open(&r, 16000, 20, ROOM_MEMBERS, 0);
	for (size_t i = 0; i < COUNT_OF(same); i++)
		room_join(&r, n++, &same[i]);
	room_tick(&r, BIT(A));
	assert_int_equal(payloads_counts(r.payloads).shared, 1);
	for (size_t i = 0; i < COUNT_OF(others); i++)
		room_join(&r, n++, &others[i]);
	room_tick(&r, BIT(A));
	assert_int_equal(payloads_counts(r.payloads).shared, 1 + 1 + COUNT_OF(others) - 1);
	room_close(&r);
}

/* ---- their own ---- */

/*
 * Who begins to talk goes on, octet by octet, with what an encoder makes that was its own from the beginning, in the middle of packets
 * and of filters. Those who listen see nothing of it.
 */
static void test_copy_goes_on(void **state)
{
	const struct encoding *e;

	(void)state;
	EACH_ROW(e, g_encodings)
	{
		struct room r;
		struct alone own, all;

		room_open(&r, e->rate, e->tick_ms, M + 1, 0);
		alone_open(&own, &r, &e->s);
		alone_open(&all, &r, &e->s);
		encoder_look_forward(own.encoder);
		encoder_look_forward(all.encoder);
		room_join(&r, A, &e->s);
		room_join(&r, L, &e->s);
		for (uint32_t t = 0; t < 300; t++) {
			bool talks = t > 56;

			room_tick(&r, BIT(B) | BIT(C) | (talks ? BIT(A) : 0));
			alone_hear(&own, mix_input(r.mix, r.id[A]).pcm);
			alone_hear(&all, mix_shared(r.mix));
			assert_sent(room_sent(&r, A), &own);
			assert_sent(room_sent(&r, L), &all);
		}
		assert_int_equal(payloads_counts(r.payloads).copies,
				 encoding_is_plain(&e->s, e->rate, e->tick_ms) ? 0 : 1);
		alone_close(&own);
		alone_close(&all);
		room_close(&r);
	}
}

/* Quiet for so long it hears what all hear, and not before; a codec without a past at once. */
static void test_returns(void **state)
{
	static const struct {
		struct packer_settings s;
		uint32_t ticks;
	} rows[] = {
		{ { { "PCMU" } }, 1 },
		{ { { "L16", .rate = 16000 } }, 1 },
		{ { { "PCMA", .packet_ms = 60 } }, 3 },
		{ { { "G722" } }, 5 },
		{ { { "opus", 20, 20000, 1, .rate = 16000, .voice = true } }, 4 },
		{ { { "opus", 10, 20000, 1, .rate = 16000, .voice = true } }, 4 },
	}, *row;

	(void)state;
	EACH_ROW(row, rows)
	{
		struct room r;

		room_open(&r, 16000, 20, M + 1, 0);
		room_join(&r, A, &row->s);
		room_join(&r, L, &row->s);
		for (uint32_t t = 0; t < 30; t++)
			room_tick(&r, BIT(A) | BIT(B));
		assert_int_equal(room_sent(&r, A).subject, PAYLOADS_OWN);
		for (uint32_t t = 1; t <= row->ticks; t++) {
			room_tick(&r, BIT(B));
			assert_int_equal(room_sent(&r, A).subject,
					 t < row->ticks ? PAYLOADS_OWN : PAYLOADS_SHARED);
		}
		assert_ptr_equal(room_sent(&r, A).packets, room_sent(&r, L).packets);
		assert_int_equal(payloads_counts(r.payloads).returns,
				 encoding_is_plain(&row->s, 16000, 20) ? 0 : 1);
		room_close(&r);
	}
}

/* Who keeps its place in a pause is put into the mix, and returns for all that; its noise would go back to it only if it is loud. */
static void test_returns_with_its_place(void **state)
{
	static int16_t quiet[320], loud[320];
	struct room r;

	(void)state;
	for (int i = 0; i < 320; i++) {
		quiet[i] = i % 2 ? 20 : -20;
		loud[i] = i % 2 ? 200 : -200;
	}
	for (int is_loud = 0; is_loud < 2; is_loud++) {
		room_open_held(&r, 16000, 20, M + 1, 0, 500);
		room_join(&r, A, &g_opus);
		room_join(&r, L, &g_opus);
		for (uint32_t t = 0; t < 40; t++) {
			uint32_t placed[2 * MIX_TALKERS_MAX];

			mix_note(r.mix, r.id[B], ROOM_LEVEL);
			if (t < 20)
				mix_note(r.mix, r.id[A], ROOM_LEVEL);
			mix_tick(r.mix);
			assert_int_equal(mix_rank(r.mix, placed), 2);
			mix_put(r.mix, r.id[A],
				t < 20    ? room_frame(&r, A)
				: is_loud ? loud
					  : quiet);
			mix_put(r.mix, r.id[B], room_frame(&r, B));
			(void)mix_sum(r.mix);
			payloads_make(r.payloads);
			r.tick++;
		}
		assert_false(mix_input(r.mix, r.id[A]).shared);
		assert_int_equal(room_sent(&r, A).subject,
				 is_loud ? PAYLOADS_OWN : PAYLOADS_SHARED);
		room_close(&r);
	}
}

/* Only who is coached has a stream for it. */
static void test_coached(void **state)
{
	struct room r;

	(void)state;
	room_open(&r, 16000, 20, M + 1, 0);
	for (uint32_t i = 0; i < r.n; i++)
		room_join(&r, i, &g_opus);
	assert_int_equal(mix_coach(r.mix, r.id[C], r.id[L]), 0);
	for (uint32_t t = 0; t < 10; t++)
		room_tick(&r, BIT(B) | BIT(C));
	assert_int_equal(room_sent(&r, L).subject, PAYLOADS_OWN);
	assert_int_equal(room_sent(&r, B).subject, PAYLOADS_OWN);
	assert_int_equal(room_sent(&r, C).subject, PAYLOADS_SHARED);
	assert_int_equal(payloads_counts(r.payloads).own, 20);
	for (uint32_t t = 0; t < 10; t++)
		room_tick(&r, BIT(B));
	assert_int_equal(room_sent(&r, L).subject, PAYLOADS_SHARED);
	room_close(&r);
}

/* Where all of an encoding talk, nothing is encoded for nobody; who falls silent goes on with its own encoder, octet by octet. */
static void test_all_talk(void **state)
{
	static const struct packer_settings sets[] = {
		{ { "G722" } }, { { "opus", 20, 20000, 1, .voice = true }, PACKER_PAUSE_SENT }
	};
	const struct packer_settings *s;

	(void)state;
	EACH_ROW(s, sets)
	{
		struct room r;
		struct alone own;

		room_open(&r, 16000, 20, M + 1, 0);
		room_join(&r, A, s);
		alone_open(&own, &r, s);
		encoder_look_forward(own.encoder);
		for (uint32_t t = 0; t < 200; t++) {
			room_tick(&r, BIT(B) | (t % 20 < 10 ? BIT(A) : 0));
			alone_hear(&own, mix_input(r.mix, r.id[A]).pcm);
			assert_sent(room_sent(&r, A), &own);
		}
		assert_int_equal(payloads_counts(r.payloads).returns, 10);
		assert_int_equal(
			payloads_counts(r.payloads).shared + payloads_counts(r.payloads).own, 200);
		room_join(&r, L, s);
		room_tick(&r, BIT(A) | BIT(B));
		room_tick(&r, BIT(A) | BIT(B));
		assert_int_equal(room_sent(&r, L).subject, PAYLOADS_SHARED);
		assert_int_equal(
			payloads_counts(r.payloads).shared + payloads_counts(r.payloads).own, 204);
		alone_close(&own);
		room_close(&r);
	}
}

/* Where everybody is heard each who talks is sent what its own encoder would make of the others, and nobody waits for a stream. */
static void test_everybody_talks(void **state)
{
	enum { CROWD = 40, TALK = 32, TICKS = 4 /* nobody returns so soon */ };
	static const struct packer_settings sets[] = { { { "PCMU" } },
						       { { "PCMA", .packet_ms = 40 } },
						       { { "L16", .rate = 16000 } },
						       { { "G722" } } };
	static struct alone own[CROWD];
	const struct packer_settings *s;

	(void)state;
	EACH_ROW(s, sets)
	{
		uint32_t rate = strcmp(s->encoder.codec, "PCMU") ? 16000 : 8000;
		struct room r;

		room_open_as(&r,
			     &(struct mix_settings){ .members = CROWD,
						     .rate = rate,
						     .tick_ms = 20,
						     .talkers = MIX_TALKERS_ALL },
			     0);
		for (uint32_t i = 0; i < CROWD; i++) {
			room_join(&r, i, s);
			alone_open(&own[i], &r, s);
			encoder_look_forward(own[i].encoder);
		}
		for (uint32_t t = 0; t < TICKS; t++) {
			room_tick(&r, UINT32_MAX);
			for (uint32_t i = 0; i < CROWD; i++) {
				alone_hear(&own[i], mix_input(r.mix, r.id[i]).pcm);
				assert_sent(room_sent(&r, i), &own[i]);
				assert_int_equal(room_sent(&r, i).subject,
						 i < TALK ? PAYLOADS_OWN : PAYLOADS_SHARED);
			}
		}
		assert_int_equal(payloads_counts(r.payloads).starved, 0);
		for (uint32_t i = 0; i < CROWD; i++)
			alone_close(&own[i]);
		room_close(&r);
	}
}

/* One stream for two who talk: nobody hears itself, it is counted, and the stream goes to who needs it. */
static void test_exhausted(void **state)
{
	struct room r;

	(void)state;
	room_open(&r, 16000, 20, M + 1, 1);
	for (uint32_t i = 0; i < r.n; i++)
		room_join(&r, i, &g_opus);
	for (uint32_t t = 0; t < 10; t++)
		room_tick(&r, BIT(A));
	room_tick(&r, BIT(A) | BIT(B));
	assert_int_equal(room_sent(&r, A).subject, PAYLOADS_OWN);
	assert_int_equal(room_sent(&r, B).subject, PAYLOADS_STARVED);
	assert_int_equal(room_sent(&r, B).count, 0);
	assert_int_equal(room_sent(&r, C).subject, PAYLOADS_SHARED);
	assert_int_equal(payloads_counts(r.payloads).starved, 1);
	room_tick(&r, BIT(B)); /* A has been quiet for a tick alone */
	assert_int_equal(room_sent(&r, A).subject, PAYLOADS_SHARED);
	assert_int_equal(room_sent(&r, B).subject, PAYLOADS_OWN);
	assert_int_equal(payloads_counts(r.payloads).hurried, 1);
	assert_int_equal(payloads_counts(r.payloads).starved, 1);
	room_close(&r);
}

/* In the middle of a packet of 60 ms, too: what has its voice in it is not sent to it. */
static void test_starved_within_a_packet(void **state)
{
	const struct packer_settings s = { { "PCMU", .packet_ms = 60 } };
	struct room r;

	(void)state;
	room_open(&r, 8000, 20, M + 1, 1);
	for (uint32_t i = 0; i < r.n; i++)
		room_join(&r, i, &s);
	room_tick(&r, BIT(A) | BIT(B));
	room_tick(&r, 0);
	room_tick(&r, 0);
	assert_int_equal(room_sent(&r, A).subject, PAYLOADS_OWN);
	assert_int_equal(room_sent(&r, B).subject, PAYLOADS_STARVED);
	assert_int_equal(payloads_counts(r.payloads).starved, 1);
	for (uint32_t t = 0; t < 3; t++)
		room_tick(&r, 0);
	assert_int_equal(room_sent(&r, A).subject, PAYLOADS_SHARED);
	assert_int_equal(room_sent(&r, B).subject, PAYLOADS_SHARED);
	assert_int_equal(room_sent(&r, B).count, 1);
	room_close(&r);
}

static void test_deaf(void **state)
{
	struct room r;

	(void)state;
	room_open(&r, 16000, 20, M + 1, 0);
	for (uint32_t i = 0; i < r.n; i++)
		room_join(&r, i, &g_opus);
	room_tick(&r, BIT(A) | BIT(B));
	assert_int_equal(room_sent(&r, A).subject, PAYLOADS_OWN);
	mix_deafen(r.mix, r.id[A], true);
	room_tick(&r, BIT(A) | BIT(B));
	assert_int_equal(room_sent(&r, A).subject, PAYLOADS_DEAF);
	assert_int_equal(room_sent(&r, A).count, 0);
	assert_int_equal(payloads_counts(r.payloads).own, 3);
	mix_deafen(r.mix, r.id[A], false);
	payloads_missed(r.payloads, r.id[A]);
	room_tick(&r, BIT(A) | BIT(B));
	assert_int_equal(room_sent(&r, A).subject, PAYLOADS_OWN);
	room_close(&r);
}

/* ---- pauses ---- */

/* By the packets of a silent room's first two seconds. */
static void test_pauses(void **state)
{
	static const struct {
		struct packer_settings s;
		enum packer_kind kept;
		uint32_t encodes, kept_count;
	} rows[] = {
		{ { { "PCMU" } }, PACKER_NOTHING, 100, 0 },
		{ { { "PCMU" }, PACKER_PAUSE_KEPT, 50 }, PACKER_COMFORT, 9, 5 },
		{ { { "G722" }, PACKER_PAUSE_NOTHING }, PACKER_NOTHING, 9, 0 },
		{ { { "opus", 20, 20000, 1, .rate = 16000 } }, PACKER_EMPTY, 9, 5 },
		{ { { "opus", 20, 20000, 1, .rate = 16000 }, PACKER_PAUSE_SENT }, PACKER_NOTHING, 100, 0 },
		{ { { "opus", 40, 20000, 1, .rate = 16000 } }, PACKER_EMPTY, 4, 5 },
	}, *row;

	(void)state;
	EACH_ROW(row, rows)
	{
		struct room r;
		uint64_t before;
		uint32_t kept = 0, sound = 0;

		room_open(&r, 16000, 20, M + 1, 0);
		room_join(&r, L, &row->s);
		for (uint32_t t = 0; t < 10; t++)
			room_tick(&r, BIT(A));
		before = payloads_counts(r.payloads).shared;
		for (uint32_t t = 0; t < 100; t++) {
			struct payloads_sent sent;

			room_tick(&r, 0);
			sent = room_sent(&r, L);
			for (uint32_t i = 0; i < sent.count; i++) {
				sound += sent.packets[i].kind == PACKER_SOUND;
				if (sent.packets[i].kind == PACKER_NOTHING)
					assert_int_equal(sent.packets[i].octets.n, 0);
				if (sent.packets[i].kind != PACKER_NOTHING &&
				    sent.packets[i].kind == row->kept) {
					assert_int_equal(sent.packets[i].octets.n, 1);
					kept++;
				}
			}
		}
		assert_int_equal(payloads_counts(r.payloads).shared - before, row->encodes);
		assert_int_equal(payloads_counts(r.payloads).rested,
				 100 * 20 / packet_ms_of(&row->s) - row->encodes);
		assert_int_equal(sound, row->encodes);
		assert_int_equal(kept, row->kept_count);
		room_tick(&r, BIT(A));
		room_tick(&r, BIT(A));
		assert_int_equal(room_sent(&r, L).packets[0].kind, PACKER_SOUND);
		room_close(&r);
	}
}

/* What says that it is a pause is what decoders take for one. */
static void test_what_a_pause_says(void **state)
{
	static const struct packer_settings comfort = { { "PCMA" }, PACKER_PAUSE_KEPT, 50 };
	const struct packer_settings opus = { { "opus", 20, 20000, 1, .rate = 16000 } };
	int16_t pcm[CODEC_SAMPLES_MAX];
	struct payloads_sent sent;
	struct room r;

	(void)state;
	room_open(&r, 16000, 20, M + 1, 0);
	room_join(&r, L, &opus);
	room_join(&r, M, &comfort);
	for (uint32_t t = 0; t < 20; t++) {
		room_tick(&r, t < 10 ? BIT(A) : 0);
		assert_false(room_sent(&r, L).begins);
		if (t < 19)
			(void)room_receive(&r, L, 0, pcm);
	}
	sent = room_sent(&r, M);
	assert_int_equal(sent.packets[0].kind, PACKER_COMFORT);
	assert_int_equal(sent.packets[0].octets.p[0], 50);
	sent = room_sent(&r, L);
	assert_int_equal(sent.packets[0].kind, PACKER_EMPTY);
	assert_true(decoder_pauses(r.ears[L], sent.packets[0].octets));
	assert_int_equal(decoder_frame(r.ears[L], sent.packets[0].octets, pcm, CODEC_SAMPLES_MAX),
			 320);
	room_tick(&r, BIT(A));
	assert_true(room_sent(&r, L).begins);
	assert_true(room_sent(&r, M).begins);
	room_tick(&r, BIT(A));
	assert_false(room_sent(&r, L).begins);
	room_close(&r);
}

/* Who talks alone hears nothing, so nothing is encoded for it; with a voice behind that begins anew for it alone. */
static void test_talks_alone(void **state)
{
	const struct packer_settings s = { { "opus", 20, 20000, 1, .rate = 16000, .voice = true } };
	uint64_t own;
	struct room r;

	(void)state;
	room_open(&r, 16000, 20, M + 1, 0);
	room_join(&r, A, &s);
	room_join(&r, L, &s);
	for (uint32_t t = 0; t < 50; t++)
		room_tick(&r, BIT(A));
	own = payloads_counts(r.payloads).own;
	assert_int_equal(own, 9);
	assert_int_not_equal(room_sent(&r, A).packets[0].kind, PACKER_SOUND);
	assert_int_equal(payloads_counts(r.payloads).shared, 50);
	room_tick(&r, BIT(A) | BIT(B));
	assert_true(room_sent(&r, A).begins);
	assert_int_equal(room_sent(&r, A).packets[0].kind, PACKER_SOUND);
	assert_false(room_sent(&r, L).begins);
	for (uint32_t t = 0; t < 20; t++)
		room_tick(&r, BIT(A));
	assert_int_equal(room_sent(&r, A).packets[0].kind, PACKER_NOTHING);
	for (uint32_t t = 0; t < 4; t++)
		room_tick(&r, BIT(B));
	assert_int_equal(room_sent(&r, A).subject, PAYLOADS_SHARED);
	room_close(&r);
}

/* It comes back to all who are in the middle of a voice out of its own pause: the marker is for it alone. */
static void test_begins_on_return(void **state)
{
	const struct packer_settings s = { { "opus", 20, 20000, 1, .rate = 16000, .voice = true } };
	struct room r;

	(void)state;
	room_open(&r, 16000, 20, M + 1, 0);
	room_join(&r, A, &s);
	room_join(&r, L, &s);
	for (uint32_t t = 0; t < 50; t++)
		room_tick(&r, BIT(A));
	for (uint32_t t = 0; t < 4; t++) {
		room_tick(&r, 0); /* the end of its own voice is in the shared stream still */
		assert_false(room_sent(&r, L).begins);
		assert_int_equal(room_sent(&r, A).begins, t == 3);
	}
	assert_int_equal(room_sent(&r, A).subject, PAYLOADS_SHARED);
	room_close(&r);
}

/* ---- members come and go ---- */

static const struct packer_settings *any_encoding(struct room *r)
{
	static const struct packer_settings sets[] = {
		{ { "PCMU", .packet_ms = 10 } },
		{ { "PCMA", .packet_ms = 60 }, PACKER_PAUSE_KEPT },
		{ { "G722" } },
		{ { "G726-32", .packet_ms = 40 } },
		{ { "opus", 20, 12000, 0, .voice = true } },
		{ { "opus", 60, 20000, 0, .rate = 16000 } },
	};

	return &sets[room_random(r, COUNT_OF(sets))];
}

/* Its packet is one, and never with what it must not hear. */
static void check_member(struct room *r, uint32_t i)
{
	int16_t pcm[CODEC_SAMPLES_MAX];
	struct payloads_sent sent = room_sent(r, i);
	struct mix_input h = mix_input(r->mix, r->id[i]);

	assert_int_equal(sent.subject == PAYLOADS_DEAF, h.pcm == NULL);
	for (uint32_t k = 0; k < sent.count; k++)
		(void)room_receive(r, i, k, pcm);
	if (sent.subject == PAYLOADS_SHARED &&
	    payloads_format(r->payloads, r->id[i]).clock == 8000 &&
	    strcmp(payloads_format(r->payloads, r->id[i]).codec, "PCMU") == 0)
		assert_true(h.shared);
}

/* At random for minutes of its time; nothing is left of who left. */
static void test_come_and_go(void **state)
{
	enum { ANYBODY = 24 };
	bool here[ANYBODY] = { false }, deaf[ANYBODY] = { false };
	struct room r;

	(void)state;
	room_open(&r, 16000, 20, ANYBODY, 1);
	for (uint32_t t = 0, talk = 0; t < 5000; t++) {
		uint32_t i = room_random(&r, ANYBODY);

		if (room_random(&r, 4) == 0) {
			if (here[i])
				room_leave(&r, i);
			else
				room_join(&r, i, any_encoding(&r));
			here[i] = !here[i];
		}
		if (room_random(&r, 10) == 0) {
			deaf[i] = !deaf[i];
			mix_deafen(r.mix, r.id[i], deaf[i]);
		}
		if (room_random(&r, 2) == 0)
			talk ^= BIT(room_random(&r, ANYBODY));
		if (room_random(&r, 10) == 0)
			talk = 0;
		room_tick(&r, talk);
		for (uint32_t k = 0; k < ANYBODY; k++) {
			if (here[k])
				check_member(&r, k);
		}
	}
	assert_true(payloads_counts(r.payloads).copies > 200);
	assert_true(payloads_counts(r.payloads).returns > 150);
	assert_true(payloads_counts(r.payloads).hurried > 10);
	assert_true(payloads_counts(r.payloads).starved > 100);
	for (uint32_t k = 0; k < ANYBODY; k++) {
		if (here[k])
			room_leave(&r, k);
	}
	room_close(&r);
}

/* Encodings that nobody has any more make room for others. */
static void test_too_many_encodings(void **state)
{
	struct room r;
	struct packer_settings s = { { "opus", .rate = 8000 } };

	(void)state;
	room_open(&r, 16000, 20, PAYLOADS_GROUPS_MAX + 2, 0);
	for (uint32_t i = 0; i < PAYLOADS_GROUPS_MAX; i++) {
		s.encoder.bit_rate = 10000 + i;
		room_join(&r, i, &s);
	}
	room_join(&r, PAYLOADS_GROUPS_MAX, &s);
	s.encoder.bit_rate = 9000;
	assert_int_equal(payloads_join(r.payloads, r.id[PAYLOADS_GROUPS_MAX + 1], &s), -ENOSPC);
	room_leave(&r, 3);
	room_join(&r, PAYLOADS_GROUPS_MAX + 1, &s);
	room_tick(&r, BIT(3));
	assert_int_equal(payloads_counts(r.payloads).shared, PAYLOADS_GROUPS_MAX);
	room_close(&r);
}

static void test_refused(void **state)
{
	static const struct packer_settings rows[] = {
		{ { "nonsense" } },
		{ { "PCMU", .packet_ms = 30 } },
		{ { "PCMU", .packet_ms = 5 } },
		{ { "L16", .rate = 44100 } },
		{ { "L16", .rate = 48000 } }, /* 1,920 octets */
		{ { "opus", 60, 20000, 10 } },
		{ { "PCMU" }, PACKER_PAUSE_KEPT, 128 },
	}, *s;
	struct payloads *p;
	struct room r;

	(void)state;
	room_open(&r, 16000, 20, 1, 0);
	EACH_ROW(s, rows)
	{
		assert_int_equal(payloads_join(r.payloads, r.id[0], s), -EINVAL);
	}
	room_join(&r, 0, &(struct packer_settings){ { "L16", .packet_ms = 10, .rate = 48000 } });
	assert_int_equal(payloads_open(&p, r.mix, PAYLOADS_OWN_MAX + 1), -EINVAL);
	room_close(&r);
	payloads_close(NULL);
}

static void test_ticks_allocate_nothing(void **state)
{
	struct room r;
	size_t before;

	(void)state;
	room_open(&r, 48000, 20, 12, 0);
	for (uint32_t i = 0; i < r.n; i++)
		room_join(&r, i, &g_encodings[i + 1].s);
	before = mallinfo2().uordblks;
	for (uint32_t t = 0; t < 100; t++)
		room_tick(&r, t % 20 < 8 ? BIT(t / 20) | BIT(t / 20 + 4) : 0);
	assert_int_equal(mallinfo2().uordblks, before);
	assert_true(payloads_counts(r.payloads).copies > 4);
	room_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_listeners_share),
		cmocka_unit_test(test_encodes_are_counted),
		cmocka_unit_test(test_what_is_one_encoding),
		cmocka_unit_test(test_copy_goes_on),
		cmocka_unit_test(test_returns),
		cmocka_unit_test(test_returns_with_its_place),
		cmocka_unit_test(test_coached),
		cmocka_unit_test(test_all_talk),
		cmocka_unit_test(test_everybody_talks),
		cmocka_unit_test(test_exhausted),
		cmocka_unit_test(test_starved_within_a_packet),
		cmocka_unit_test(test_deaf),
		cmocka_unit_test(test_pauses),
		cmocka_unit_test(test_what_a_pause_says),
		cmocka_unit_test(test_talks_alone),
		cmocka_unit_test(test_begins_on_return),
		cmocka_unit_test(test_come_and_go),
		cmocka_unit_test(test_too_many_encodings),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_ticks_allocate_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
