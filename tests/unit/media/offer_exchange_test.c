/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Offers of real phones through us, whole texts: tests/data/sdp/exchange/NAME.txt has what B is offered, what it answers,
 * what A is answered, and the plan, which the texts alone tell as well, in sections "== offer_b", "== answer_b", "== answer_a", "== plan"; LF for CRLF.
 */
#include "tests/unit/media/offer_rig.h"

#include "media/offer/agree.h"

#define V6_A "2001:db8::a"
#define V6_B "2001:db8::b"

static const struct {
	const char *name, *offer;
	const char *address_a, *address_b;
	bool secure_a, secure_b, no_events_b;
	bool dtls_a, dtls_b;
} g_rows[] = {
	{ "plain-to-sdes", "baresip-audio", NULL, NULL, false, true, false },
	{ "sdes-to-plain", "baresip-srtp-mand", NULL, NULL, true, false, false },
	{ "sdes-to-sdes-video", "baresip-srtp-mandf-video", NULL, NULL, true, true, false },
	{ "optional-is-plain", "baresip-srtp-optional", NULL, NULL, true, false, false },
	{ "video", "baresip-video", NULL, NULL, false, false, false },
	{ "v4-to-v6", "polycom-soundpoint", NULL, V6_B, false, false, false },
	{ "v6-to-v4", "baresip-ipv6", V6_A, NULL, false, false, false },
	{ "v6-sdes-to-v4-info", "linphone-srtp", V6_A, NULL, true, false, true },
	{ "secure-and-plain-twice", "polycom-srtp-both", NULL, NULL, true, true, false },
	{ "secure-and-plain-twice-to-plain-only", "polycom-srtp-both", NULL, NULL, false, false,
	  false },
	{ "webrtc-to-plain-video", "chromium-video", .dtls_a = true },
	{ "webrtc-hold-to-plain", "chromium-hold", .dtls_a = true },
	{ "webrtc-firefox-to-plain", "firefox-video-first", .dtls_a = true },
	{ "plain-to-webrtc", "baresip-video", .dtls_b = true },
	{ "webrtc-to-webrtc", "firefox-video-first", .dtls_a = true, .dtls_b = true },
	{ "dtls-to-plain", "baresip-dtls-video", .dtls_a = true },
	{ "plain-to-dtls", "baresip-audio", .dtls_b = true },
};

/* The section's text; the title is the first line of in that begins with it. */
static struct bytes section(struct bytes in, const char *title)
{
	struct bytes line, rest = in;
	const uint8_t *from = NULL;

	while (bytes_cut(&rest, '\n', &line)) {
		if (from && bytes_starts(line, "== "))
			return bytes_mem(from, (size_t)(line.p - from));
		if (!from && bytes_starts(line, "== ") && bytes_is(bytes_from(line, 3), title))
			from = rest.p;
	}
	assert_non_null(from);
	return bytes_mem(from, (size_t)(in.p + in.n - from));
}

static void check(const char *name, const char *title, struct bytes got, struct bytes want)
{
	uint8_t buf[8192];
	struct writer w = writer_over(buf, sizeof(buf));

	for (size_t i = 0; i < got.n; i++) {
		if (got.p[i] != '\r')
			writer_u8(&w, got.p[i]);
	}
	if (!bytes_eq(writer_done(&w), want))
		fail_msg("%s: %s: got\n" BYTES_FMT, name, title, BYTES_ARG(writer_done(&w)));
}

static void write_key(struct writer *w, const struct media_key *key)
{
	static const char *const suites[] = { "plain", "80", "32" };

	writer_str(w, suites[key->suite]);
	writer_str(w, " ");
}

static void write_dtls(struct writer *w, const struct media_side *side)
{
	static const char *const roles[] = { "", "server", "client" };

	writer_fmt(w, " dtls %s ice %u bundle %u mid ", roles[side->dtls], side->ice, side->bundle);
	writer_mem(w, side->mid, side->mid_length);
	writer_fmt(w, " certificate %u %02x%02x", side->fingerprint.hash,
		   side->fingerprint.octets[0], side->fingerprint.octets[1]);
}

static void write_side(struct writer *w, const char *name, const struct media_side *side)
{
	char rtp[ADDR_TEXT_MAX], rtcp[ADDR_TEXT_MAX];

	writer_fmt(w, "%s %s %s mux %u in ", name, addr_text(&side->rtp, rtp),
		   addr_text(&side->rtcp, rtcp), side->mux);
	write_key(w, &side->key_in);
	writer_str(w, "out ");
	write_key(w, &side->key_out);
	writer_fmt(w, "event %u/%u rules ", side->event_pt, side->event_clock_hz);
	rig_write_rules(w, side);
	w->n--;
	if (side->dtls)
		write_dtls(w, side);
	writer_str(w, "\n");
}

static void write_plan(struct writer *w, const struct media_plan *plan)
{
	for (uint8_t i = 0; i < plan->line_count; i++) {
		if (!plan->line[i].active) {
			writer_str(w, "off\n");
			continue;
		}
		write_side(w, "a", &plan->line[i].a);
		write_side(w, "b", &plan->line[i].b);
	}
}

static void check_bridge(const char *name, struct bytes offer, struct bytes file)
{
	static struct media_plan plan;
	static uint8_t buf[2048];
	const struct session_texts a = { .remote = offer, .local = section(file, "answer_a") };
	const struct session_texts b = { .remote = section(file, "answer_b"),
					 .local = section(file, "offer_b"),
					 .we_offered = true };
	struct writer w = writer_over(buf, sizeof(buf));
	struct offer_error error = { 0 };

	if (bridge_read(&a, &b, false, &plan, &error))
		fail_msg("%s: line %u: %s", name, error.line, error.reason);
	write_plan(&w, &plan);
	check(name, "plan by the texts", writer_done(&w), section(file, "plan"));
}

static void test_exchanges(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(g_rows); i++) {
		static struct rig r;
		static uint8_t offer[16384], file[16384], plan[2048];
		struct writer w = writer_over(plan, sizeof(plan));
		struct bytes want, said;
		char path[128];

		rig_init(&r);
		r.policy.video = r.policy.rtcp_mux = true;
		r.policy.a.sdes_accept = g_rows[i].secure_a;
		r.policy.b.sdes_offer = g_rows[i].secure_b;
		r.policy.b.digits = g_rows[i].no_events_b;
		rig_dtls_terms(&r, g_rows[i].dtls_a, g_rows[i].dtls_b);
		if (g_rows[i].address_a)
			r.to_a = rig_self(g_rows[i].address_a, 30000, '0');
		if (g_rows[i].address_b)
			r.to_b = rig_self(g_rows[i].address_b, 40000, 'a');
		(void)snprintf(path, sizeof(path), "data/sdp/exchange/%s.txt", g_rows[i].name);
		want = data_read(path, file, sizeof(file));
		(void)snprintf(path, sizeof(path), "data/sdp/%s.sdp", g_rows[i].offer);
		said = data_read(path, offer, sizeof(offer));
		rig_exchange(&r, said, section(want, "answer_b"));
		check(g_rows[i].name, "offer_b", r.offer_b, section(want, "offer_b"));
		if (r.err)
			fail_msg("%s: %s", g_rows[i].name, r.error.reason);
		check(g_rows[i].name, "answer_a", r.answer_a, section(want, "answer_a"));
		write_plan(&w, &r.plan);
		check(g_rows[i].name, "plan", writer_done(&w), section(want, "plan"));
		check_bridge(g_rows[i].name, said, want);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_exchanges),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
