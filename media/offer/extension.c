/* SPDX-License-Identifier: Apache-2.0 */
#include "media/offer/extension.h"

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
