/* SPDX-License-Identifier: Apache-2.0 */
#include "app/siprec/sender_report.h"

#include <string.h>

#include "engine/srtp/srtp.h"
#include "media/rtp/rtcp_write.h"
#include "media/tap.h"

enum {
	REPORTED_RTP_HEAD = 12,
	EVERY_MS = 5000, /* RFC 3550 6.2: the minimum; two members of one stream never need more */
	REPORTS_PER_ROUND = 16,
};

/* ---- sources ---- */

/* Time in units of the clock; as all RTP timestamps it turns over. */
static uint32_t report_units_of(uint64_t ns, uint32_t clock_hz)
{
	return (uint32_t)(ns / NS_PER_S * clock_hz + ns % NS_PER_S * clock_hz / NS_PER_S);
}

/* The packet that came fastest tells best when its sound was said. The timestamp of an event is that of its beginning. */
void sender_source_note(struct sender_source *source, const struct tap_packet *p)
{
	uint32_t transit = report_units_of(p->time_ns, p->clock_hz) - be32_get(tap_octets(p).p + 4);

	source->packets++;
	source->octets += p->length - REPORTED_RTP_HEAD;
	if (!p->clock_hz || p->kind == TAP_EVENT)
		return;
	if (!source->spoke || source->clock_hz != p->clock_hz ||
	    (int32_t)(transit - source->transit) < 0)
		source->transit = transit;
	source->clock_hz = p->clock_hz;
	source->spoke = true;
}

/* ---- what is sent ---- */

/* Both streams have it, so the recorder knows that they share a clock. It is the call's: a successor has the same (RFC 7022 4.1). */
static void sender_cname_write(char out[RTCP_CNAME_LEN], uint64_t call)
{
	for (unsigned i = 0; i < RTCP_CNAME_LEN; i++)
		out[i] = "0123456789abcdef"[call >> (60 - 4 * i) & 15];
}

static bool source_report_send(struct sender_stream *s, struct sender_source *source,
			       struct bytes report)
{
	uint8_t data[RTCP_REPORT_MAX + SRTP_TRAILER_MAX];
	struct srtp_job job = { .stream = source->srtp,
				.data = data,
				.length = (uint16_t)report.n,
				.capacity = sizeof(data),
				.is_rtcp = 1 };

	memcpy(data, report.p, report.n);
	if (job.stream) {
		srtp_jobs_protect(&job, 1);
		if (job.verdict != VERDICT_NONE)
			return false;
	}
	return sendto(s->rtcp_fd, data, job.length, MSG_NOSIGNAL,
		      (const struct sockaddr *)&s->rtcp_to, s->rtcp_to_n) == (ssize_t)job.length;
}

static bool source_report(struct sender_stream *s, struct sender_source *source, uint64_t call,
			  struct instant now)
{
	uint8_t text[RTCP_REPORT_MAX];
	struct rtcp_report r = { .ssrc = source->ssrc, .sends = source->spoke };

	r.info = (struct rtcp_sender_info){
		.ntp = rtcp_ntp(now.utc_ms),
		.timestamp = report_units_of(now.ns, source->clock_hz) - source->transit,
		.packets = source->packets,
		.octets = source->octets,
	};
	sender_cname_write(r.cname, call);
	source->spoke = false;
	return source_report_send(s, source, rtcp_report_write(text, &r));
}

static bool stream_reports(const struct sender_stream *s)
{
	return s->terms.on && s->rtcp_fd >= 0 && s->rtcp_to_n && s->source_count;
}

/* Who said something, and who did last: its RTCP keeps the path open (RFC 7866 8.1.6). RFC 3550 6.2 lets a session of two say the first one
 * at once, and 6.3.1 puts the others out of step. */
uint32_t sender_report(struct sender_stream *s, uint64_t call, struct instant now, uint32_t random)
{
	uint32_t sent = 0;

	if (!stream_reports(s) || now.ns < s->report_ns)
		return 0;
	s->report_ns = now.ns + (EVERY_MS / 2 + random % EVERY_MS) * NS_PER_MS;
	for (uint32_t i = 0; i < s->source_count; i++) {
		if (s->sources[i].spoke || i == s->newest)
			sent += source_report(s, &s->sources[i], call, now);
	}
	return sent;
}

/* ---- what is heard ---- */

/* RFC 3550 6.4.1: the number may fall, by what comes twice. */
static uint64_t report_block_take(struct sender_stream *s, const struct rtcp_block *b)
{
	for (uint32_t i = 0; i < s->source_count; i++) {
		struct sender_source *source = &s->sources[i];
		int32_t before = source->lost;

		if (source->ssrc != b->ssrc)
			continue;
		source->lost = b->lost;
		source->fraction_lost = b->fraction_lost;
		source->reported = true;
		return b->lost > before ? (uint64_t)(b->lost - before) : 0;
	}
	return 0;
}

static void report_take(struct sender_stream *s, struct bytes in, struct sender_heard *out)
{
	struct rtcp_packet packet;
	struct rtcp_block block;

	if (rtcp_check(in)) {
		out->refused++;
		return;
	}
	out->reports++;
	while (rtcp_next(&in, &packet)) {
		for (uint8_t i = 0; rtcp_block(&packet, i, &block); i++)
			out->lost += report_block_take(s, &block);
	}
}

static bool report_open(struct sender_stream *s, uint8_t *data, uint16_t *n)
{
	struct srtp_job job = { .stream = s->srtp_in,
				.data = data,
				.length = *n,
				.capacity = SENDER_PACKET_MAX,
				.is_rtcp = 1 };

	if (s->terms.key.suite == MEDIA_SUITE_NONE)
		return true;
	if (!job.stream)
		return false;
	srtp_jobs_unprotect(&job, 1);
	*n = job.length;
	return job.verdict == VERDICT_NONE;
}

/* From whom the recorder's answer says, and nobody else. */
static bool is_the_recorder(const struct sender_stream *s, const struct sockaddr_storage *from)
{
	struct addr at;

	return !addr_from_sockaddr(&at, (const struct sockaddr *)from) &&
	       addr_ip_eq(&at, &s->terms.rtcp_remote);
}

void sender_hear(struct sender_stream *s, struct sender_heard *out)
{
	uint8_t data[SENDER_PACKET_MAX];

	for (unsigned i = 0; i < REPORTS_PER_ROUND; i++) {
		struct sockaddr_storage from;
		socklen_t from_n = sizeof(from);
		ssize_t got = recvfrom(s->rtcp_fd, data, sizeof(data), 0, (struct sockaddr *)&from,
				       &from_n);
		uint16_t n = (uint16_t)got;

		if (got < 0)
			return;
		if (is_the_recorder(s, &from) && report_open(s, data, &n))
			report_take(s, bytes_mem(data, n), out);
		else
			out->refused++;
	}
}
