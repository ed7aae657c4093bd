/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RTP header extensions (RFC 8285) and simulcast layers (RFC 8853, RIDs of RFC 8851) in SDP. The
 * B2BUA reads a few extensions of browsers itself (MID, RID, audio level, transport-wide numbers)
 * and passes none on, since their numbers are agreed per leg. From the layers of a picture, a call
 * of two takes the best one within the bandwidth, and a conference all of them, so that its rooms
 * can choose per member.
 */

#include <string.h>

#include "media/offer/extension.h"
#include "media/offer/write.h"

enum { EXTENSION_LAST = 14 }; /* RFC 8285 4.2 */

/* RFC 8285 5: "4 URI" or "4/sendonly URI", and attributes of the extension. */
static bool cut(struct bytes value, uint32_t *number, struct bytes *uri)
{
	struct bytes first;

	if (!bytes_cut(&value, ' ', &first) || !bytes_cut(&value, ' ', uri))
		return false;
	first = bytes_sub(first, 0, bytes_find(first, '/'));
	return bytes_u32(first, number) == 0;
}

static uint8_t extension_number(const struct sdp *s, unsigned section, const char *uri)
{
	struct bytes value, name;
	uint16_t line = 0;
	uint32_t n;

	while (sdp_attribute_next(s, section, "extmap", &line, &value)) {
		if (cut(value, &n, &name) && bytes_is(name, uri))
			return n > EXTENSION_LAST ? 0 : (uint8_t)n;
	}
	return 0;
}

uint8_t offer_extension_of(const struct sdp *s, uint8_t index, const char *uri)
{
	return extension_number(s, index + 1U, uri);
}

uint8_t offer_extension_of_layers(const struct sdp *offer, uint8_t index)
{
	struct bytes layers;

	return sdp_attribute(offer, index + 1U, "simulcast", &layers)
		       ? offer_extension_of(offer, index, OFFER_RID)
		       : 0;
}

uint8_t offer_extension_of_layers_before(const struct sdp *earlier, uint8_t index)
{
	return earlier && index < earlier->media_count
		       ? offer_extension_of(earlier, index, OFFER_RID)
		       : 0;
}

static void extension_note_numbers(const struct sdp *s, unsigned section,
				   bool taken[EXTENSION_LAST + 1])
{
	struct bytes value, name;
	uint16_t line = 0;
	uint32_t n;

	while (sdp_attribute_next(s, section, "extmap", &line, &value)) {
		if (cut(value, &n, &name) && n <= EXTENSION_LAST)
			taken[n] = true;
	}
}

uint8_t offer_extension_choose(const struct sdp *earlier, const char *uri)
{
	bool taken[EXTENSION_LAST + 1] = { true };
	uint8_t number = 0;

	for (unsigned i = SDP_SESSION; earlier && i <= earlier->media_count && !number; i++) {
		number = extension_number(earlier, i, uri);
		extension_note_numbers(earlier, i, taken);
	}
	for (uint8_t i = 1; i <= EXTENSION_LAST && !number; i++)
		number = taken[i] ? 0 : i;
	return number;
}

void offer_extension_write(struct writer *w, uint8_t number, const char *uri)
{
	if (number)
		writer_fmt(w, "a=extmap:%u/recvonly %s\r\n", number, uri);
}

bool offer_feedback_has(const struct sdp *s, unsigned section, uint8_t number, const char *feedback)
{
	struct bytes rest, word;
	uint16_t line = 0;
	uint32_t n;

	while (sdp_attribute_next(s, section, "rtcp-fb", &line, &rest)) {
		rest = bytes_trim(rest);
		if (bytes_cut(&rest, ' ', &word) &&
		    (bytes_is(word, "*") || (!bytes_u32(word, &n) && n == number)) &&
		    bytes_iis(bytes_trim(rest), feedback))
			return true;
	}
	return false;
}

/* RFC 8851 10: letters, digits, '-' and '_'. A one-byte element has 16 octets (RFC 8285 4.2). */
static bool rid_is_name(struct bytes rid)
{
	for (size_t i = 0; i < rid.n; i++) {
		uint8_t c = rid.p[i], letter = c | 0x20;

		if (!(c >= '0' && c <= '9') && !(letter >= 'a' && letter <= 'z') && c != '-' &&
		    c != '_')
			return false;
	}
	return rid.n > 0 && rid.n <= MEDIA_RID_MAX;
}

/* "1 send pt=96;max-width=640". False: no a=rid of that name and direction. */
static bool rid_find(const struct sdp *s, unsigned section, struct bytes rid, const char *direction,
		     struct bytes *limits)
{
	struct bytes rest, word;
	uint16_t line = 0;

	while (sdp_attribute_next(s, section, "rid", &line, &rest)) {
		if (!bytes_cut(&rest, ' ', &word) || !bytes_eq(word, rid) ||
		    !bytes_cut(&rest, ' ', &word) || !bytes_is(word, direction))
			continue;
		*limits = bytes_trim(rest);
		return true;
	}
	return false;
}

static bool formats_have(const struct offer_formats *formats, struct bytes number)
{
	uint32_t n;

	if (bytes_u32(number, &n))
		return false;
	for (uint8_t i = 0; i < formats->count; i++)
		if (formats->at[i].to == n)
			return true;
	return false;
}

/* RFC 8851 5: "pt=96,97" names what alone the layer is sent in. True: some of that is agreed. */
static bool limits_have_format(struct bytes limits, const struct offer_formats *formats)
{
	struct bytes limit, number;

	while (bytes_cut(&limits, ';', &limit)) {
		if (!bytes_starts(limit, "pt="))
			continue;
		limit = bytes_from(limit, 3);
		while (bytes_cut(&limit, ',', &number))
			if (formats_have(formats, number))
				return true;
		return false;
	}
	return true;
}

static bool layers_have(const struct offer_layers *layers, struct bytes rid)
{
	for (uint8_t i = 0; i < layers->count; i++)
		if (bytes_eq(layers->at[i].rid, rid))
			return true;
	return false;
}

/* RFC 8853 5.1: alternatives of a layer, "1,~2"; "~": paused, may come later. Needs an a=rid
 * (5.2). */
static bool layer_choose(struct offer_layer *out, const struct sdp *s, unsigned section,
			 struct bytes alternatives, const char *direction,
			 const struct offer_formats *formats)
{
	struct bytes rid;

	while (bytes_cut(&alternatives, ',', &rid)) {
		if (bytes_starts(rid, "~"))
			rid = bytes_from(rid, 1);
		out->rid = rid;
		if (rid_is_name(rid) && rid_find(s, section, rid, direction, &out->limits) &&
		    (!formats || limits_have_format(out->limits, formats)))
			return true;
	}
	return false;
}

/* RFC 8853 5.1: "send 1;2 recv 3" in either order, and once. Empty: there is no such list. */
static struct bytes layers_list_find(const struct sdp *s, unsigned section, const char *direction)
{
	struct bytes value = { 0 }, again, word, list;
	uint16_t line = 0;

	if (!sdp_attribute_next(s, section, "simulcast", &line, &value) ||
	    sdp_attribute_next(s, section, "simulcast", &line, &again))
		return (struct bytes){ 0 };
	while (bytes_cut(&value, ' ', &word) && bytes_cut(&value, ' ', &list))
		if (bytes_is(word, direction))
			return list;
	return (struct bytes){ 0 };
}

static void layers_read(struct offer_layers *out, const struct sdp *s, unsigned section,
			const char *direction, const struct offer_formats *formats)
{
	struct bytes list = layers_list_find(s, section, direction), alternatives;

	*out = (struct offer_layers){ 0 };
	while (out->count < MEDIA_LAYERS_MAX && bytes_cut(&list, ';', &alternatives)) {
		struct offer_layer layer = { 0 };

		if (layer_choose(&layer, s, section, alternatives, direction, formats) &&
		    !layers_have(out, layer.rid))
			out->at[out->count++] = layer;
	}
	if (out->count == 1)
		out->count = 0;
}

void offer_layers_choose(struct offer_layers *out, const struct sdp *offer, uint8_t index,
			 const struct offer_formats *formats)
{
	*out = (struct offer_layers){ 0 };
	if (offer_extension_of(offer, index, OFFER_RID))
		layers_read(out, offer, index + 1U, "send", formats);
}

/* ---- the best one ---- */

/* Of "max-width=640;max-height=360" (RFC 8851 5); a missing one is no limit. */
static uint64_t layer_limit(struct bytes limits, const char *name)
{
	struct bytes limit, word;
	uint32_t n;

	while (bytes_cut(&limits, ';', &limit))
		if (bytes_cut(&limit, '=', &word) && bytes_is(bytes_trim(word), name) &&
		    !bytes_u32(bytes_trim(limit), &n))
			return n;
	return UINT32_MAX;
}

/* The least of its limits; a side without a limit counts as long as the other one. */
static uint64_t layer_pixels(struct bytes limits)
{
	uint64_t width = layer_limit(limits, "max-width"),
		 height = layer_limit(limits, "max-height");
	uint64_t blocks = 256 * layer_limit(limits, "max-fs");
	uint64_t area = width == UINT32_MAX    ? height * height
			: height == UINT32_MAX ? width * width
					       : width * height;

	return area < blocks ? area : blocks;
}

/* By the names that applications give them, 1 is the least; 0: all names are others. */
static uint8_t name_rank(const struct offer_layers *layers, uint8_t index)
{
	static const char *const schemes[][MEDIA_LAYERS_MAX] = {
		{ "q", "h", "f" },        { "l", "m", "h" },           { "lo", "mid", "hi" },
		{ "low", "mid", "high" }, { "low", "medium", "high" },
	};

	for (size_t s = 0; s < COUNT_OF(schemes); s++) {
		uint8_t known = 0, rank = 0;

		for (uint8_t i = 0; i < layers->count; i++)
			for (uint8_t k = 0; k < (uint8_t)MEDIA_LAYERS_MAX; k++) {
				if (!bytes_is(layers->at[i].rid, schemes[s][k]))
					continue;
				known++;
				rank = i == index ? (uint8_t)(k + 1) : rank;
			}
		if (known == layers->count)
			return rank;
	}
	return 0;
}

/* If neither is described, the later one: without sizes layers grow (W3C WebRTC 5.1). */
static bool layer_is_better(const struct offer_layers *layers, uint8_t index, uint8_t than)
{
	uint64_t pixels = layer_pixels(layers->at[index].limits);
	uint64_t before = layer_pixels(layers->at[than].limits);
	uint64_t bits = layer_limit(layers->at[index].limits, "max-br");
	uint64_t bits_before = layer_limit(layers->at[than].limits, "max-br");

	if (bits != bits_before)
		return bits > bits_before;
	if (pixels != before)
		return pixels > before;
	return name_rank(layers, index) >= name_rank(layers, than);
}

void offer_layers_choose_one(struct offer_layers *out, const struct sdp *offer, uint8_t index,
			     const struct offer_formats *formats, uint32_t most_kbps)
{
	struct offer_layers all;
	uint8_t best = MEDIA_LAYERS_MAX;

	*out = (struct offer_layers){ 0 };
	offer_layers_choose(&all, offer, index, formats);
	for (uint8_t i = 0; i < all.count; i++) {
		uint64_t bits = layer_limit(all.at[i].limits, "max-br");

		if (most_kbps && bits != UINT32_MAX && bits / 1000 > most_kbps)
			continue;
		if (best == (uint8_t)MEDIA_LAYERS_MAX || layer_is_better(&all, i, best))
			best = i;
	}
	if (best < (uint8_t)MEDIA_LAYERS_MAX)
		out->at[out->count++] = all.at[best];
}

void offer_layers_before(struct offer_layers *out, const struct sdp *earlier, uint8_t index)
{
	*out = (struct offer_layers){ 0 };
	if (!earlier || index >= earlier->media_count ||
	    !offer_extension_of(earlier, index, OFFER_RID))
		return;
	layers_read(out, earlier, index + 1U, "recv", NULL);
	if (out->count == 0)
		layers_read(out, earlier, index + 1U, "send", NULL);
}

void offer_layers_write(struct writer *w, const struct offer_layers *layers)
{
	for (uint8_t i = 0; i < layers->count; i++) {
		writer_str(w, "a=rid:");
		writer_bytes(w, layers->at[i].rid);
		writer_str(w, layers->at[i].limits.n ? " recv " : " recv");
		writer_bytes(w, layers->at[i].limits);
		writer_str(w, "\r\n");
	}
	for (uint8_t i = 0; i < layers->count; i++) {
		writer_str(w, i ? ";" : "a=simulcast:recv ");
		writer_bytes(w, layers->at[i].rid);
	}
	if (layers->count)
		writer_str(w, "\r\n");
}

static void layer_add(struct media_layers *out, struct bytes rid)
{
	struct media_rid *r = &out->list[out->count++];

	r->length = (uint8_t)rid.n;
	memcpy(r->name, rid.p, rid.n);
}

void offer_layers_agreed(struct media_layers *out, const struct sdp *remote,
			 const struct sdp *local, uint8_t index)
{
	struct offer_layers ours, theirs;

	*out = (struct media_layers){ 0 };
	if (!offer_extension_of(local, index, OFFER_RID))
		return;
	layers_read(&ours, local, index + 1U, "recv", NULL);
	layers_read(&theirs, remote, index + 1U, "send", NULL);
	for (uint8_t i = 0; i < ours.count; i++)
		if (layers_have(&theirs, ours.at[i].rid))
			layer_add(out, ours.at[i].rid);
	out->extension = offer_extension_of(remote, index, OFFER_RID);
	if (out->count < 2 || !out->extension)
		*out = (struct media_layers){ 0 };
}
