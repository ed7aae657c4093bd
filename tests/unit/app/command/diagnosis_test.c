/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/test.h"

#include "app/doctor/diagnosis.h"
#include "base/clock.h"
#include "engine/dtls/dtls.h"
#include "engine/net/packet.h"

enum { A, B, SAMPLE_MS = 1000, PACKETS = 50, OCTETS = 172, UNITS = 160 };

#define NOW  (100 * NS_PER_S)
#define THEN (NOW - SAMPLE_MS * NS_PER_MS)

static struct diagnosis g_d;
static struct finding g_found[FINDINGS_MAX];

static struct addr addr(const char *text)
{
	struct addr a;

	assert_int_equal(addr_parse(&a, bytes_str(text)), 0);
	return a;
}

/* A party that talks PCMU at 20 ms a packet for a minute, seen twice. */
static void good_flow(struct diagnosis_flow *f, uint8_t leg)
{
	const char *text = leg == A ? "192.0.2.10:4000" : "192.0.2.20:5000";

	*f = (struct diagnosis_flow){
		.leg = leg,
		.answered = true,
		.agreed = true,
		.facts = { .address = addr(text),
			   .origin = addr(text),
			   .sends = 1,
			   .receives = 1,
			   .packet_ms = 20,
			   .codec_count = 2,
			   .codecs = { { 0, "PCMU", 8000 }, { 101, "telephone-event", 8000 } } },
		.latch = LATCH_SAME_IP,
		.expected = addr(text),
		.latched = addr(text),
		.contact = addr(text),
		.sip_peer = addr(text),
	};
	f->facts.origin.port = 0;
	f->before.stats = (struct flow_stats){ .packets_in = 3000,
					       .octets_in = 3000 * OCTETS,
					       .packets_out = 3000,
					       .octets_out = 3000 * OCTETS,
					       .first_in_ns = NOW - 60 * NS_PER_S,
					       .last_in_ns = THEN };
	f->before.detail = (struct flow_detail){ .now_ns = THEN,
						 .expected_ns = NOW - 60 * NS_PER_S,
						 .received_ns = THEN,
						 .sent_timestamp = UINT32_MAX - 1000,
						 .sent_sequence = UINT16_MAX - 10,
						 .sent_clock_hz = 8000 };
	f->now = f->before;
	f->now.stats.packets_in += PACKETS;
	f->now.stats.octets_in += (uint64_t)PACKETS * OCTETS;
	f->now.stats.packets_out += PACKETS;
	f->now.stats.octets_out += (uint64_t)PACKETS * OCTETS;
	f->now.stats.last_in_ns = NOW;
	f->now.detail.now_ns = f->now.detail.received_ns = NOW;
	f->now.detail.sent_timestamp += PACKETS * UNITS;
	f->now.detail.sent_sequence += PACKETS;
}

static struct diagnosis_flow *a_(void)
{
	return &g_d.flows[A];
}

static struct diagnosis_flow *b_(void)
{
	return &g_d.flows[B];
}

/* From the first sample on nothing of leg a was accepted. */
static void mute_a(void)
{
	a_()->now.stats.packets_in = a_()->before.stats.packets_in;
	a_()->now.stats.octets_in = a_()->before.stats.octets_in;
	a_()->now.stats.last_in_ns = a_()->now.detail.received_ns = NOW - 3 * NS_PER_S;
	b_()->now.stats.packets_out = b_()->before.stats.packets_out;
	b_()->now.stats.octets_out = b_()->before.stats.octets_out;
	b_()->now.detail.sent_timestamp = b_()->before.detail.sent_timestamp;
	b_()->now.detail.sent_sequence = b_()->before.detail.sent_sequence;
}

/* Nor ever before. */
static void never_a(void)
{
	mute_a();
	a_()->before.stats = a_()->now.stats = (struct flow_stats){ .packets_out = 3000 };
	a_()->now.stats.packets_out += PACKETS;
	a_()->now.detail.received_ns = 0;
	a_()->latched = (struct addr){ 0 };
}

static void drop_a(enum verdict reason, uint32_t count)
{
	mute_a();
	a_()->now.detail.drops[reason] = a_()->before.detail.drops[reason] + count;
}

static void stranger(const char *text)
{
	drop_a(VERDICT_SOURCE_NOT_LATCHED, PACKETS);
	a_()->now.detail.stranger = addr(text);
}

/* ---- what may be wrong ---- */

static void nothing(void)
{
}
static struct diagnosis_recorder *recorder(void)
{
	g_d.recorder_count = 1;
	g_d.recorders[0] = (struct diagnosis_recorder){ .number = 1,
							.taken = true,
							.at = addr("192.0.2.77:5060"),
							.for_ms = 60000,
							.speak = 2,
							.takes = 2,
							.sent = 6000,
							.reported_on = 2 };
	return &g_d.recorders[0];
}
static void recorder_hears(void)
{
	recorder()->deaf = 1; /* of one party nothing came lately */
}
static void recorder_has_none_as(bool lost, const char *reason)
{
	struct diagnosis_recorder *r = recorder();

	*r = (struct diagnosis_recorder){
		.number = 1, .lost = lost, .reason = reason, .for_ms = 60000
	};
}
static void recorder_away(void)
{
	recorder_has_none_as(true, "its name leads nowhere");
}
static void recorder_silent(void)
{
	recorder_has_none_as(false, NULL);
}
static void recorder_just_asked(void)
{
	recorder_has_none_as(false, NULL);
	g_d.recorders[0].for_ms = 300;
}
static void recorder_refuses(void)
{
	recorder_has_none_as(true, "the recorder refuses it");
	g_d.recorders[0].refused = true;
	g_d.recorders[0].status = 403;
}
static void recorder_makes_no_dialog(void)
{
	recorder_has_none_as(true, "its answer makes no dialog");
	g_d.recorders[0].refused = true;
}
static void recorder_takes_no_stream(void)
{
	recorder()->takes = 0;
}
static void recorder_takes_one(void)
{
	recorder()->takes = 1;
}
static void recorder_of_silence(void)
{
	recorder()->speak = recorder()->takes = 0; /* paused, or both are held */
}
static void recorder_not_sent_to(void)
{
	struct diagnosis_recorder *r = recorder();

	r->unsent = r->sent;
	r->sent = 0;
}
static void recorder_hears_nothing(void)
{
	recorder()->deaf = 2;
}
static void recording_suffers(void)
{
	g_d.recording_suffers = true;
}

static void degraded(void)
{
	g_d.degraded = true;
}
static void ringing(void)
{
	g_d.established = false;
}
static void no_counters(void)
{
	a_()->answered = false;
}
static void nothing_agreed(void)
{
	a_()->agreed = false;
}
static void held_by_order(void)
{
	never_a();
	a_()->holds = true;
}
static void muted(void)
{
	mute_a();
	a_()->muted = true;
}
static void sendonly(void)
{
	never_a();
	a_()->facts.receives = 0;
	b_()->facts.sends = 0;
	b_()->now.stats.packets_in = b_()->before.stats.packets_in;
	b_()->now.stats.last_in_ns = NOW - 9 * NS_PER_S;
}
static void sendonly_answered_sendrecv(void)
{
	a_()->facts.receives = 0;
	b_()->now.stats.packets_in = b_()->before.stats.packets_in;
	b_()->now.stats.last_in_ns = NOW - 9 * NS_PER_S;
}
static void inactive(void)
{
	sendonly();
	a_()->facts.sends = b_()->facts.receives = 0;
}
static void recvonly(void)
{
	never_a();
	a_()->facts.sends = 0;
}
static void ice_checking(void)
{
	never_a();
	a_()->now.stats.ice = ICE_CHECKING;
}
static void ice_password(void)
{
	ice_checking();
	a_()->now.detail.checks_key = 12;
	a_()->now.detail.checks_name = 2;
}
static void ice_ufrag(void)
{
	ice_checking();
	a_()->now.detail.checks_name = 2;
}
static void ice_but_silent(void)
{
	never_a();
	a_()->now.stats.ice = ICE_CONNECTED;
	a_()->now.stats.dtls = DTLS_CONNECTED;
}
static void ice_checking_one_way(void)
{
	ice_checking();
	b_()->now.stats.packets_in = b_()->before.stats.packets_in = 0;
	b_()->now.stats.last_in_ns = 0;
	b_()->now.detail.drops[VERDICT_NO_DESTINATION] += 50;
}
static void ice_just_begun(void)
{
	ice_checking();
	a_()->now.detail.expected_ns = NOW - 2 * NS_PER_S;
}
static void ice_lost(void)
{
	mute_a();
	a_()->now.stats.ice = ICE_LOST;
}
static void dtls_failed(void)
{
	never_a();
	a_()->now.stats.ice = ICE_CONNECTED;
	a_()->now.stats.dtls = DTLS_FAILED;
	a_()->now.detail.handshake_failure = DTLS_FAILURE_PROFILE;
}
static void dtls_certificate(void)
{
	dtls_failed();
	a_()->now.detail.handshake_failure = DTLS_FAILURE_CERTIFICATE;
}
/* The party tries again and again. */
static void dtls_fails_again(void)
{
	dtls_certificate();
	a_()->now.stats.dtls = DTLS_HANDSHAKING;
}
static void dtls_just_begun(void)
{
	never_a();
	a_()->now.stats.dtls = DTLS_HANDSHAKING;
	a_()->now.detail.expected_ns = NOW - 2 * NS_PER_S;
}
static void dtls_waiting(void)
{
	never_a();
	a_()->now.stats.dtls = DTLS_WAITING;
}
static void dtls_done(void)
{
	a_()->now.stats.ice = ICE_CONNECTED;
	a_()->now.stats.dtls = DTLS_CONNECTED;
}
static void wrong_key(void)
{
	drop_a(VERDICT_SRTP_AUTH, PACKETS);
	a_()->now.detail.auth_sealed = PACKETS - 1;
}
static void plain_for_srtp(void)
{
	drop_a(VERDICT_SRTP_AUTH, PACKETS);
	a_()->now.detail.auth_plain = PACKETS - 1;
}
static void unusable_key(void)
{
	drop_a(VERDICT_SRTP_KEY, PACKETS);
}
static void some_forged(void)
{
	a_()->now.detail.drops[VERDICT_SRTP_AUTH] = 7;
}
static void srtp_for_plain(void)
{
	a_()->now.stats.octets_in += 10 * PACKETS;
}
static void srtp_32_for_plain(void)
{
	a_()->now.stats.octets_in += 4 * PACKETS;
}
static void srtp_as_agreed(void)
{
	srtp_for_plain();
	a_()->facts.secure = true;
	strcpy(a_()->facts.suite, "AES_CM_128_HMAC_SHA1_80");
}
static void srtp_of_few_octets(void)
{
	srtp_as_agreed();
	strcpy(a_()->facts.codecs[0].name, "G729");
	a_()->now.stats.octets_in =
		a_()->before.stats.octets_in + (uint64_t)PACKETS * (12 + 20 + 10);
}
static void other_codec(void)
{
	drop_a(VERDICT_PAYLOAD_TYPE, PACKETS);
	a_()->now.detail.refused_type = 8;
}
static void other_port_strict(void)
{
	never_a();
	stranger("192.0.2.10:61000");
	a_()->before.stats.packets_in = a_()->now.stats.packets_in = 0;
}
static void private_address(void)
{
	never_a();
	a_()->facts.address = a_()->facts.origin = a_()->expected = addr("10.0.0.5:4000");
	stranger("192.0.2.10:61000");
	a_()->before.stats.packets_in = a_()->now.stats.packets_in = 0;
}
static void private_address_and_silence(void)
{
	never_a();
	a_()->facts.address = a_()->facts.origin = a_()->expected = addr("10.0.0.5:4000");
}
static void rewritten(void)
{
	never_a();
	a_()->facts.address = a_()->expected = addr("203.0.113.9:4000");
	a_()->facts.origin = a_()->contact = addr("10.0.0.5");
}
static void port_moved(void)
{
	stranger("192.0.2.10:4002");
}
static void host_moved(void)
{
	stranger("198.51.100.7:4000");
}
static void stale(void)
{
	never_a();
	stranger("192.0.2.10:4000");
	a_()->before.stats.packets_in = a_()->now.stats.packets_in = 0;
	a_()->expected = a_()->facts.address = a_()->facts.origin = addr("192.0.2.99:4000");
	a_()->now.detail.source_before = a_()->now.detail.stranger;
}
static void unexpected(void)
{
	never_a();
	stranger("198.51.100.7:4000");
	a_()->before.stats.packets_in = a_()->now.stats.packets_in = 0;
}
static void not_rtp(void)
{
	drop_a(VERDICT_NOT_RTP, PACKETS);
}
static void keepalives(void)
{
	a_()->now.detail.drops[VERDICT_NOT_RTP] = 6;
}
static void malformed(void)
{
	drop_a(VERDICT_MALFORMED, PACKETS);
}
static void wrong_port(void)
{
	drop_a(VERDICT_WRONG_PORT, PACKETS);
}
static void truncated(void)
{
	drop_a(VERDICT_TRUNCATED, PACKETS);
}
static void rtcp_alone(void)
{
	never_a();
	a_()->now.stats.rtcp_in = 3;
}
static void blocked(void)
{
	never_a();
}
static void both_silent(void)
{
	never_a();
	a_()->before.stats.packets_out = a_()->now.stats.packets_out = 0;
}
static void refused_by_icmp(void)
{
	blocked();
	a_()->before.stats.icmp_errors = a_()->now.stats.icmp_errors = 1;
}
static void stopped(void)
{
	mute_a();
}
static void icmp_before(void)
{
	mute_a();
	a_()->before.stats.icmp_errors = a_()->now.stats.icmp_errors = 1;
}
static void icmp_since(void)
{
	mute_a();
	a_()->now.stats.icmp_errors = 1;
}
static void just_paused(void)
{
	mute_a();
	a_()->now.stats.last_in_ns = NOW - NS_PER_S;
}
static void just_answered(void)
{
	never_a();
	a_()->now.detail.expected_ns = NOW - NS_PER_S;
}
static void nowhere(void)
{
	b_()->now.detail.drops[VERDICT_NO_DESTINATION] = PACKETS;
}
static void deaf(void)
{
	a_()->before.stats.rtcp_in = 2;
	a_()->now.stats.rtcp_in = 3;
}
static void deaf_by_report(void)
{
	deaf();
	a_()->now.detail.reported_ns = NOW - NS_PER_S;
	a_()->now.detail.reported_loss = 255;
}
static void reported_well(void)
{
	deaf();
	a_()->now.detail.reported_ns = NOW - NS_PER_S;
}
static void moved_and_followed(void)
{
	a_()->now.detail.moves = 1;
	a_()->now.detail.moved_ns = NOW - 5 * NS_PER_S;
	a_()->now.detail.source_before = addr("192.0.2.10:4000");
	a_()->latched = addr("192.0.2.10:4002");
}
static void ice_moved(void)
{
	moved_and_followed();
	a_()->now.stats.ice = ICE_CONNECTED;
}
static void nat_port(void)
{
	a_()->latched = addr("192.0.2.10:61000");
}
static void coded_anew(void)
{
	a_()->transcoded_to = MEDIA_CODEC_OPUS + 1;
	a_()->now.detail.drops[VERDICT_TRANSCODED] = PACKETS;
}
static void coded_late(void)
{
	coded_anew();
	a_()->now.detail.drops[VERDICT_TRANSCODER_FULL] = 3;
}
static void coded_and_silent(void)
{
	coded_anew();
	a_()->before.detail.payload_type = a_()->now.detail.payload_type = PAYLOAD_NONE;
}
static void second_source(void)
{
	a_()->now.detail.drops[VERDICT_SOURCE_NOT_LATCHED] = PACKETS;
	a_()->now.detail.stranger = addr("198.51.100.7:4000");
}
static void long_packets(void)
{
	uint64_t n = PACKETS / 2;

	a_()->now.stats.packets_in = a_()->before.stats.packets_in + n;
	a_()->now.stats.octets_in = a_()->before.stats.octets_in + n * (12 + 320);
	b_()->now.stats.packets_out = b_()->before.stats.packets_out + n;
	b_()->now.detail.sent_sequence = (uint16_t)(b_()->before.detail.sent_sequence + n);
}
static void fast_clock(void)
{
	b_()->now.detail.sent_timestamp += PACKETS * UNITS;
}
/* Nothing had been sent on at the first sample: there is no timestamp to count from. */
static void began_since(void)
{
	b_()->before.stats = (struct flow_stats){ 0 };
	b_()->now.stats.packets_out = PACKETS;
	b_()->before.detail.sent_clock_hz = 0;
	b_()->before.detail.sent_timestamp = 0;
	b_()->now.detail.sent_timestamp = UINT32_MAX / 2;
}
/* Leg b was not heard yet and got less than half; the last ones were kept from it, too. */
static void trickle(void)
{
	const uint32_t n = PACKETS / 2;
	const uint16_t last = 5;

	a_()->now.stats.packets_in -= n;
	a_()->now.stats.octets_in -= (uint64_t)n * OCTETS;
	b_()->now.stats.packets_out -= n;
	b_()->now.stats.octets_out -= (uint64_t)n * OCTETS;
	b_()->now.detail.sent_sequence = (uint16_t)(b_()->now.detail.sent_sequence - last);
	b_()->now.detail.sent_timestamp -= last * UNITS;
}
static void jump(void)
{
	a_()->now.stats.jitter_us = 60000000;
}
static void comfort_noise(void)
{
	a_()->now.stats.octets_in = a_()->before.stats.octets_in + PACKETS * 13;
}
static void lossy(void)
{
	a_()->now.stats.lost = 10;
	b_()->now.detail.sent_timestamp += 10 * UNITS;
	b_()->now.detail.sent_sequence += 10;
}
static void a_packet_lost(void)
{
	a_()->now.stats.lost = 1;
}
static void reports_loss(void)
{
	reported_well();
	a_()->now.detail.reported_loss = 26;
}
static void uneven(void)
{
	a_()->now.stats.jitter_us = 120000;
}

static void ended_with(uint16_t status, const char *because)
{
	g_d.established = false;
	g_d.refused = status;
	g_d.because = because;
}

static void srtp_refused(void)
{
	ended_with(488, "refused by the node: SRTP is not accepted");
}

static void media_refused(void)
{
	ended_with(606, NULL);
}

/* Leg a has no other party, and is there; it is sent nothing in the meantime. */
static void placed(enum party_place_kind kind, const char *name)
{
	g_d.flow_count = 1;
	a_()->place = (struct party_place){ .kind = kind };
	(void)snprintf(a_()->place.name, sizeof(a_()->place.name), "%s", name);
	a_()->now.stats.packets_out = a_()->before.stats.packets_out;
}
/* ... and is sent something. */
static void served(enum party_place_kind kind, const char *name)
{
	placed(kind, name);
	a_()->now.stats.packets_out += PACKETS;
}
static void no_media(void)
{
	g_d.flow_count = 0;
}
static void application_asked(void)
{
	ringing();
	g_d.waits_for = "bot";
}
static void alone(void)
{
	served(PARTY_ALONE, "");
}
static void alone_in_silence(void)
{
	placed(PARTY_ALONE, "");
}
static void application_gone(void)
{
	placed(PARTY_ALONE, "");
	(void)snprintf(a_()->place.application, sizeof(a_()->place.application), "bot");
}
static void application_gone_and_over(void)
{
	application_gone();
	g_d.ended = true;
	a_()->before = (struct diagnosis_sample){ .detail = { .now_ns = THEN } };
	a_()->now.stats.packets_out = 0;
}
static void served_and_over(void)
{
	served(PARTY_PARKED, "701");
	g_d.ended = true;
}
static void played_(void)
{
	served(PARTY_PLAYED, "menu.wav");
	a_()->place.file = 1;
	a_()->place.file_count = 2;
	a_()->place.collects = true;
}
static void played_in_silence(void)
{
	played_();
	a_()->now.stats.packets_out = a_()->before.stats.packets_out;
}
static void played_too_short_a_look(void)
{
	played_in_silence();
	a_()->before.detail.now_ns = NOW - 100 * NS_PER_MS;
}
static void paused(void)
{
	played_in_silence();
	a_()->place.paused = true;
}
static void digits(void)
{
	placed(PARTY_PLAYED, "");
	a_()->place.collects = true;
}
static void message(void)
{
	placed(PARTY_PLAYED, "");
	a_()->place.records = true;
}
static void streamed(void)
{
	placed(PARTY_STREAMED, "bot");
}
static void echo(void)
{
	served(PARTY_ECHOED, "echo");
}
static void parked(void)
{
	served(PARTY_PARKED, "701");
}
static void parked_in_silence(void)
{
	placed(PARTY_PARKED, "701");
}
static void confers(void)
{
	placed(PARTY_CONFERS, "8000"); /* all are silent */
	a_()->place.others = 2;
	a_()->place.sounds = true;
}
static void confers_unmixed(void)
{
	confers();
	a_()->place.sounds = false;
}
static void confers_alone(void)
{
	confers();
	a_()->place.others = 0;
}
static void confers_muted(void)
{
	confers();
	a_()->place.muted = true;
}
static void confers_deaf(void)
{
	confers();
	a_()->place.deaf = true;
}
static void confers_held(void)
{
	confers();
	a_()->place.held = true;
}
static void confers_hostless(void)
{
	confers();
	a_()->place.waits_host = true;
}
static void parts(void)
{
	served(PARTY_PARTS, "");
}

static void unanswered(void)
{
	ended_with(480, "refused by the node: SRTP is not the cause");
}

static const struct row {
	const char *name;
	void (*wrong)(void);
	const char *codes; /* of leg a or of the call, joined by ' ' */
} ROWS[] = {
	{ "all is well", nothing, "" },
	{ "no media at all", no_media, "nothing_agreed" },
	{ "an application is asked", application_asked, "application_not_answering" },
	{ "alone with music", alone, "alone" },
	{ "alone in silence", alone_in_silence, "alone_in_silence" },
	{ "its application is gone", application_gone, "application_silent" },
	{ "its application was gone", application_gone_and_over, "application_silent" },
	{ "it was parked, and is over", served_and_over, "" },
	{ "a prompt plays", played_, "prompt" },
	{ "a prompt does not", played_in_silence, "prompt_not_sent" },
	{ "a prompt, and too short a look", played_too_short_a_look, "prompt" },
	{ "a prompt is paused", paused, "prompt_paused" },
	{ "digits are awaited", digits, "digits_awaited" },
	{ "a message is recorded", message, "message_recorded" },
	{ "with a live endpoint", streamed, "live_endpoint" },
	{ "an echo", echo, "echo" },
	{ "parked", parked, "parked" },
	{ "parked without music", parked_in_silence, "parked_in_silence" },
	{ "in a conference where nobody talks", confers, "conference" },
	{ "in a conference without a mix", confers_unmixed, "conference_silent" },
	{ "alone in a conference", confers_alone, "conference_alone" },
	{ "muted in a conference", confers_muted, "conference_muted" },
	{ "deaf in a conference", confers_deaf, "conference_deaf" },
	{ "held in a conference", confers_held, "conference_held" },
	{ "a conference without its host", confers_hostless, "conference_host_awaited" },
	{ "nobody takes the call", parts, "tone" },
	{ "Redis away", degraded, "store_degraded" },
	{ "the disk of its recording is full", recording_suffers, "recording_suffers" },
	{ "an external recorder has it", recorder_hears, "" },
	{ "an external recorder is away", recorder_away, "recorder_unreachable" },
	{ "an external recorder says nothing", recorder_silent, "recorder_unreachable" },
	{ "an external recorder was just asked", recorder_just_asked, "" },
	{ "an external recorder refuses", recorder_refuses, "recorder_refuses" },
	{ "an external recorder answers nonsense", recorder_makes_no_dialog, "recorder_refuses" },
	{ "an external recorder takes nothing", recorder_takes_no_stream,
	  "recorder_hears_nothing" },
	{ "an external recorder takes one party", recorder_takes_one, "" },
	{ "an external recorder of silence", recorder_of_silence, "" },
	{ "an external recorder cannot be sent to", recorder_not_sent_to,
	  "recorder_hears_nothing" },
	{ "an external recorder hears nothing", recorder_hears_nothing, "recorder_hears_nothing" },
	{ "not answered yet", ringing, "not_established" },
	{ "its SRTP was refused", srtp_refused, "srtp_refused" },
	{ "the phone takes none of the media", media_refused, "media_refused" },
	{ "nobody answered", unanswered, "not_established" },
	{ "a worker that says nothing", no_counters, "no_counters" },
	{ "a line without an answer", nothing_agreed, "nothing_agreed" },
	{ "held by command", held_by_order, "held_by_order" },
	{ "muted by command", muted, "muted" },
	{ "held by its phone", sendonly, "direction" },
	{ "held, and the other answers sendrecv", sendonly_answered_sendrecv, "direction" },
	{ "inactive both", inactive, "direction" },
	{ "will not send", recvonly, "direction" },
	{ "no ICE check", ice_checking, "ice_checking" },
	{ "no ICE check, and the other party talks", ice_checking_one_way, "ice_checking" },
	{ "ICE has just begun", ice_just_begun, "" },
	{ "ICE with another password", ice_password, "ice_credentials" },
	{ "ICE with another ufrag", ice_ufrag, "ice_credentials" },
	{ "ICE, DTLS and no RTP", ice_but_silent, "party_sends_nothing" },
	{ "ICE goes elsewhere", ice_moved, "" },
	{ "ICE consent lost", ice_lost, "ice_failed" },
	{ "DTLS failed", dtls_failed, "dtls_failed" },
	{ "DTLS with another certificate", dtls_certificate, "dtls_certificate" },
	{ "DTLS fails again and again", dtls_fails_again, "dtls_certificate" },
	{ "DTLS has just begun", dtls_just_begun, "" },
	{ "DTLS does not begin", dtls_waiting, "dtls_handshaking" },
	{ "ICE and DTLS are through", dtls_done, "" },
	{ "wrong SRTP key", wrong_key, "srtp_wrong_key" },
	{ "plain for SRTP", plain_for_srtp, "srtp_missing" },
	{ "a key that cannot be used", unusable_key, "srtp_unusable" },
	{ "some forged packets among good ones", some_forged, "" },
	{ "SRTP for plain", srtp_for_plain, "srtp_unexpected" },
	{ "SRTP with a short tag for plain", srtp_32_for_plain, "srtp_unexpected" },
	{ "SRTP as agreed", srtp_as_agreed, "" },
	{ "SRTP whose tag is half of the sound", srtp_of_few_octets, "" },
	{ "another codec", other_codec, "payload_type" },
	{ "another port, strict", other_port_strict, "nat_symmetric" },
	{ "a private address", private_address, "nat_private_address" },
	{ "a private address, and nothing comes", private_address_and_silence,
	  "nat_private_address" },
	{ "c= rewritten", rewritten, "alg_rewrite" },
	{ "the port moved", port_moved, "port_changed" },
	{ "the host moved", host_moved, "address_changed" },
	{ "it did not move although it said so", stale, "stale_source" },
	{ "from an unexpected host", unexpected, "unexpected_source" },
	{ "another protocol", not_rtp, "not_rtp" },
	{ "keepalives among packets", keepalives, "" },
	{ "broken packets", malformed, "malformed" },
	{ "ports mixed up", wrong_port, "wrong_port" },
	{ "packets too long", truncated, "mtu" },
	{ "RTCP alone", rtcp_alone, "party_sends_nothing" },
	{ "nothing ever came", blocked, "blocked_path" },
	{ "nothing ever came but ICMP", refused_by_icmp, "port_unreachable" },
	{ "ICMP before it was heard", icmp_before, "rtp_stopped" },
	{ "stopped, and ICMP comes", icmp_since, "port_unreachable" },
	{ "nothing either way", both_silent, "no_rtp" },
	{ "stopped", stopped, "rtp_stopped" },
	{ "a short pause", just_paused, "" },
	{ "just answered", just_answered, "" },
	{ "no address to send to", nowhere, "no_destination" },
	{ "its reports know nothing of our stream", deaf, "hears_nothing" },
	{ "its reports say all is lost", deaf_by_report, "hears_nothing" },
	{ "its reports are fine", reported_well, "" },
	{ "a source that moved and was followed", moved_and_followed, "source_moved" },
	{ "another port, believed", nat_port, "nat_port" },
	{ "a second sender", second_source, "second_source" },
	{ "40 ms a packet", long_packets, "packet_length" },
	{ "timestamps too fast", fast_clock, "clock" },
	{ "a stream that began since", began_since, "" },
	{ "leg b has a trickle of it", trickle, "" },
	{ "timestamps that jumped", jump, "clock" },
	{ "comfort noise", comfort_noise, "silence" },
	{ "loss", lossy, "loss_in" },
	{ "a packet lost", a_packet_lost, "" },
	{ "it reports loss", reports_loss, "loss_out" },
	{ "jitter", uneven, "jitter" },
	{ "transcoded", coded_anew, "transcoded" },
	{ "transcoded, without time", coded_late, "coder_full" },
	{ "transcoded, and nobody speaks", coded_and_silent, "" },
};

static const char *codes(size_t count)
{
	static char text[512];
	struct writer w = writer_over(text, sizeof(text) - 1);

	for (size_t i = 0; i < count; i++)
		writer_fmt(&w, "%s%s", i ? " " : "", finding_name(g_found[i].code));
	text[w.n] = '\0';
	return text;
}

static void test_findings(void **state)
{
	const struct row *row;

	(void)state;
	EACH_ROW(row, ROWS)
	{
		size_t count;

		g_d = (struct diagnosis){ .established = true, .flow_count = 2 };
		good_flow(a_(), A);
		good_flow(b_(), B);
		row->wrong();
		count = diagnose(&g_d, g_found);
		if (strcmp(codes(count), row->codes) != 0)
			fail_msg("%s: '%s'", row->name, codes(count));
		for (size_t i = 0; i < count; i++) {
			ROW_ASSERT(row->name, g_found[i].leg == A);
			ROW_ASSERT(row->name, g_found[i].sentence[0]);
			ROW_ASSERT(row->name, finding_next(g_found[i].code)[0]);
		}
	}
}

/* Each code of the table has a row: what cannot be found is not promised. */
static void test_every_code_is_found(void **state)
{
	const struct row *row;

	(void)state;
	for (enum finding_code c = 0; c < FINDING_CODES; c++) {
		bool any = false;

		EACH_ROW(row, ROWS)
		any |= !strcmp(row->codes, finding_name(c));
		ROW_ASSERT(finding_name(c), any);
	}
}

static void test_what_coding_costs(void **state)
{
	(void)state;
	g_d = (struct diagnosis){ .established = true, .flow_count = 2 };
	good_flow(a_(), A);
	good_flow(b_(), B);
	coded_late();
	assert_int_equal(diagnose(&g_d, g_found), 1);
	assert_non_null(strstr(g_found[0].sentence, "in PCMU is transcoded to opus, and 3 of"));
	assert_string_equal(g_found[0].facts[0].text, "PCMU");
	assert_string_equal(g_found[0].facts[1].text, "opus");
	assert_string_equal(g_found[0].facts[2].name, "us_of_20_ms");
	assert_in_range(g_found[0].facts[2].number, 40, 70); /* at 8 kHz: docs/benchmarks.md */
	assert_int_equal(g_found[0].facts[3].number, PACKETS);
	assert_int_equal(g_found[0].facts[4].number, 3);
}

static void test_evidence(void **state)
{
	(void)state;
	g_d = (struct diagnosis){ .established = true, .flow_count = 2 };
	good_flow(a_(), A);
	good_flow(b_(), B);
	other_codec();
	assert_int_equal(diagnose(&g_d, g_found), 1);
	assert_true(g_found[0].of_flow);
	assert_string_equal(finding_what(g_found[0].code), "fault");
	assert_non_null(strstr(g_found[0].sentence, "payload type 8 (PCMA)"));
	assert_non_null(strstr(g_found[0].sentence, "agreed is PCMU"));
	assert_string_equal(g_found[0].facts[0].name, "payload_type");
	assert_int_equal(g_found[0].facts[0].number, PACKETS);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_findings),
		cmocka_unit_test(test_every_code_is_found),
		cmocka_unit_test(test_evidence),
		cmocka_unit_test(test_what_coding_costs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
