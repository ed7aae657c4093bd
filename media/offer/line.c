/* SPDX-License-Identifier: Apache-2.0 */
#include "media/offer/line.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "media/offer/bundle.h"
#include "media/offer/opaque.h"

enum {
	/* By us: s=, c=, t=, three of ICE and BUNDLE; two b=, rtpmap and fmtp of an event, ptime, direction, two of RTCP, crypto or nine of
	 * WebRTC, codecs of ours. Feedback is within what formats had, but for an offer of few lines. */
	LINES_ADDED = 6 + (17 + MEDIA_CODECS) * MEDIA_LINES_MAX,
	PORT_DISCARD = 9, /* stands for none yet (RFC 8840 4.1.1) */
};

static int line_malformed(struct offer_error *error, uint16_t number, const char *reason)
{
	*error = (struct offer_error){ .status = 400, .line = number, .reason = reason };
	return -EBADMSG;
}

static int too_long(struct offer_error *error, const char *reason)
{
	*error = (struct offer_error){ .status = 413, .reason = reason };
	return -EBADMSG;
}

/* Candidates are many, and end here. */
static unsigned lines_to_pass(const struct sdp *s)
{
	unsigned count = s->line_count;
	struct bytes rest;

	for (uint16_t i = 0; i < s->line_count; i++) {
		if (s->lines[i].type == 'a' &&
		    sdp_attribute_is(sdp_slice(s, s->lines[i].value), "candidate", &rest))
			count--;
	}
	return count;
}

int offer_parse(struct sdp *out, struct bytes in, const struct offer_policy *policy,
		struct offer_error *error)
{
	struct sdp_error wrong;

	assert(error);
	if (in.n > policy->sdp_max)
		return too_long(error, "SDP is too long");
	if (sdp_parse(out, in, &wrong))
		return line_malformed(error, wrong.line, wrong.reason);
	if (lines_to_pass(out) > SDP_LINES_MAX - LINES_ADDED)
		return too_long(error, "SDP has too many lines");
	return 0;
}

int offer_parse_own(struct sdp *out, struct bytes in, struct offer_error *error)
{
	struct sdp_error wrong;

	return sdp_parse(out, in, &wrong) ? line_malformed(error, wrong.line, wrong.reason) : 0;
}

static uint16_t m_line_number(const struct sdp *s, uint8_t index)
{
	return s->sections[index + 1]
		.first; /* the m-line is the one before: line first, counted from 1 */
}

void offer_line_refuse(struct offer_line *line, const struct sdp *s, uint8_t index,
		       const char *reason)
{
	line->state = OFFER_LINE_REFUSED;
	line->reason = reason;
	line->number = m_line_number(s, index);
}

void offer_error_note(struct offer_error *error, const struct offer_line *line)
{
	if (line->state != OFFER_LINE_REFUSED || error->reason)
		return;
	*error =
		(struct offer_error){ .status = 488, .line = line->number, .reason = line->reason };
}

static bool has_word(struct bytes list, struct bytes want)
{
	struct bytes word;

	while (bytes_cut(&list, ' ', &word)) {
		if (bytes_eq(word, want))
			return true;
	}
	return false;
}

/* The m-line of an ANAT group that we take: the first over IPv4, else the first with a port. */
static uint8_t anat_choice(const struct sdp *s, struct bytes group)
{
	uint8_t choice = PAYLOAD_NONE;

	for (uint8_t i = 0; i < s->media_count; i++) {
		struct sdp_connection to;
		struct bytes mid;

		if (!s->sections[i + 1].port || !sdp_attribute(s, i + 1U, "mid", &mid) ||
		    !has_word(group, mid) || sdp_connection(s, i + 1U, &to))
			continue;
		if (to.address.family == ADDR_V4)
			return i;
		if (choice == PAYLOAD_NONE)
			choice = i;
	}
	return choice;
}

/* RFC 4091: alternatives of one stream in two address families; exactly one is used. */
static bool is_other_alternative(const struct sdp *s, uint8_t index)
{
	struct bytes group, semantics, mid;
	uint16_t line = 0;

	if (!sdp_attribute(s, index + 1U, "mid", &mid))
		return false;
	while (sdp_attribute_next(s, SDP_SESSION, "group", &line, &group)) {
		if (bytes_cut(&group, ' ', &semantics) && bytes_is(semantics, "ANAT") &&
		    has_word(group, mid))
			return anat_choice(s, group) != index;
	}
	return false;
}

/* Why we would not relay it, whatever its address and formats are; NULL: we would. */
static const char *line_refusal(const struct sdp *s, uint8_t index,
				const struct offer_policy *policy, struct offer_profile *profile)
{
	const struct sdp_section *m = &s->sections[index + 1];
	enum media_kind kind = media_kind_of(sdp_slice(s, m->kind));
	struct bytes proto = sdp_slice(s, m->proto);

	if (index >= MEDIA_LINES_MAX)
		return "more m-lines than are relayed";
	if (kind == MEDIA_OPAQUE ? !offer_lines_word(kind, proto)
				 : !offer_profile_read(profile, proto))
		return "transport is not relayed";
	if (kind == MEDIA_VIDEO && !policy->video)
		return "video is off";
	if (m->port_count != 1)
		return "several ports in one m-line";
	return is_other_alternative(s, index) ? "another alternative of the group is used" : NULL;
}

/* RFC 3605 2.1; without a=rtcp it is the next port (RFC 3550 11). */
static int read_rtcp(struct media_side *side, const struct sdp *s, uint8_t index)
{
	int err = sdp_rtcp(s, index + 1U, &side->rtp, &side->rtcp);

	if (err != -ENOENT)
		return err;
	if (side->rtp.port < UINT16_MAX) {
		side->rtcp = side->rtp;
		side->rtcp.port++;
	}
	return 0;
}

static void read_direction(struct media_side *side, const struct sdp *s, uint8_t index)
{
	struct sdp_direction d = sdp_direction(s, index + 1U);
	struct bytes rest;

	side->sends = d.sends;
	side->receives = d.receives;
	side->mux = sdp_attribute(s, index + 1U, "rtcp-mux", &rest) ||
		    sdp_attribute(s, index + 1U, "rtcp-mux-only", &rest);
}

static void read_hold(struct media_side *side)
{
	if (addr_is_any(&side->rtp)) { /* RFC 3264 8.4: the hold of RFC 2543 */
		side->receives = 0;
		side->rtp = side->rtcp = (struct addr){ 0 };
	}
	/* of the other family: not to be reached from the network of the RTP */
	if (addr_is_any(&side->rtcp) || side->rtcp.family != side->rtp.family)
		side->rtcp = (struct addr){ 0 };
}

static int read_side(struct offer_line *out, const struct sdp *s, uint8_t index,
		     struct offer_error *error)
{
	struct sdp_connection to;
	int err = sdp_connection(s, index + 1U, &to);

	if (err == -ENOENT)
		return line_malformed(error, m_line_number(s, index), "c= is missing");
	if (!err) {
		out->side.rtp = to.address;
		out->side.rtp.port = s->sections[index + 1].port;
		err = read_rtcp(&out->side, s, index);
	}
	if (err == -EBADMSG)
		return line_malformed(error, to.line, "address is malformed");
	read_direction(&out->side, s, index);
	read_hold(&out->side);
	if (err && out->state == OFFER_LINE_RELAYED)
		offer_line_refuse(out, s, index, "address is not a unicast IP address");
	return 0;
}

/* Its candidates tell where it is, now or later (RFC 8839 4.2.1, 8840): what c= and the port say may be nothing, or a name. */
static void read_ice_side(struct media_side *side, const struct sdp *s, uint8_t index)
{
	struct sdp_connection to;

	read_direction(side, s, index);
	if (sdp_connection(s, index + 1U, &to) || addr_is_any(&to.address) ||
	    s->sections[index + 1].port == 0 || s->sections[index + 1].port == PORT_DISCARD)
		return;
	side->rtp = to.address;
	side->rtp.port = s->sections[index + 1].port;
	if (sdp_rtcp(s, index + 1U, &side->rtp, &side->rtcp))
		side->rtcp = (struct addr){ 0 };
}

static void read_mid(struct media_side *side, const struct sdp *s, uint8_t index)
{
	struct bytes mid;

	if (!sdp_attribute(s, index + 1U, "mid", &mid) || mid.n > sizeof(side->mid))
		return;
	side->mid_length = (uint8_t)mid.n;
	memcpy(side->mid, mid.p, mid.n);
}

/* Over DTLS. True: where it is, ICE will tell. */
static bool line_read_transport(struct offer_line *out, const struct sdp *s, uint8_t index)
{
	struct offer_transport *t = &out->transport;

	offer_transport_read(t, s, index);
	out->side.dtls = t->setup == OFFER_SETUP_PASSIVE ? DTLS_CLIENT : DTLS_SERVER;
	out->side.ice = t->ice;
	out->side.ice_name = t->ice_name;
	out->side.fingerprint = t->fingerprint;
	read_mid(&out->side, s, index);
	if (t->ice)
		read_ice_side(&out->side, s, index);
	return t->ice;
}

/* Nothing of its packets is known, so that RTCP has a port of its own or there is none. */
static void read_opaque(struct media_side *side, const struct sdp *s, uint8_t index)
{
	side->mux = !offer_opaque_has_rtcp(sdp_slice(s, s->sections[index + 1].proto));
	if (side->mux)
		side->rtcp = side->rtp;
}

/* Of one that is relayed. */
static void read_formats(struct offer_line *out, const struct sdp *s, uint8_t index)
{
	if (out->kind == MEDIA_OPAQUE)
		read_opaque(&out->side, s, index);
	else
		payload_list_read(&out->formats, s, index + 1U);
}

int offer_line_read(struct offer_line *out, const struct sdp *s, uint8_t index,
		    const struct offer_policy *policy, struct offer_error *error)
{
	const struct sdp_section *m = &s->sections[index + 1];

	assert(index < s->media_count);
	*out = (struct offer_line){ .state = OFFER_LINE_OFF,
				    .side = { .event_pt = PAYLOAD_NONE, .bundle = index } };

	const char *reason = line_refusal(s, index, policy, &out->profile);

	out->kind = media_kind_of(sdp_slice(s, m->kind));
	if (!offer_bundle_is_live(s, index))
		return 0;
	out->state = OFFER_LINE_RELAYED;
	if (reason)
		offer_line_refuse(out, s, index, reason);
	if (!(out->profile.dtls && line_read_transport(out, s, index)) &&
	    read_side(out, s, index, error))
		return -EBADMSG;
	if (out->state == OFFER_LINE_RELAYED)
		read_formats(out, s, index);
	return 0;
}

int offer_fits(const struct writer *w, struct offer_error *error)
{
	if (!w->overflow)
		return 0;
	*error = (struct offer_error){ .status = 413, .reason = "our SDP does not fit" };
	return -ENOSPC;
}
