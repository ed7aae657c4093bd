/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Parses RTP headers (RFC 3550 5.1) and header extension elements (RFC 8285), in place and without
 * allocation. Every packet of every flow passes through it once, so it is written for speed.
 * Encrypted packets are parsed without padding, which only the decrypted payload shows.
 */

#include "media/rtp/rtp_parse.h"

#include <errno.h>

enum { EXTENSION_HEAD_LEN = 4, ID_RESERVED = 15 };

static void fixed_part(struct rtp_head *h, const uint8_t *p)
{
	h->marker = p[1] >> 7;
	h->payload_type = p[1] & 0x7f;
	h->sequence = be16_get(p + 2);
	h->timestamp = be32_get(p + 4);
	h->ssrc = be32_get(p + 8);
}

/* Leaves in *extension what the extension holds, and in *rest what follows it. */
static int cut_extension(struct bytes *rest, struct bytes *extension)
{
	if (rest->n < EXTENSION_HEAD_LEN)
		return -EBADMSG;

	size_t len = (size_t)be16_get(rest->p + 2) * 4;

	*rest = bytes_from(*rest, EXTENSION_HEAD_LEN);
	if (rest->n < len)
		return -EBADMSG;
	*extension = bytes_sub(*rest, 0, len);
	*rest = bytes_from(*rest, len);
	return 0;
}

/* RFC 3550 5.1: the last octet counts the padding, itself included. */
static int cut_padding(struct bytes *rest, uint8_t *padding)
{
	*padding = rest->n ? rest->p[rest->n - 1] : 0;
	if (*padding == 0 || *padding > rest->n)
		return -EBADMSG;
	*rest = bytes_sub(*rest, 0, rest->n - *padding);
	return 0;
}

/* Fills *out field by field: copying an assembled head stalls, 25 ns of a packet's 150. */
static int rtp_head_read(struct rtp_head *out, struct bytes in, bool sealed)
{
	struct bytes rest = bytes_from(in, RTP_HEAD_LEN), extension = { 0 };
	uint8_t padding = 0;
	size_t csrc_len;

	if (in.n < RTP_HEAD_LEN || in.p[0] >> 6 != RTP_VERSION)
		return -EBADMSG;
	csrc_len = (size_t)(in.p[0] & 0x0f) * 4;
	if (rest.n < csrc_len)
		return -EBADMSG;
	rest = bytes_from(rest, csrc_len);
	if (in.p[0] & 0x10 && cut_extension(&rest, &extension))
		return -EBADMSG;
	if (in.p[0] & 0x20 && !sealed && cut_padding(&rest, &padding))
		return -EBADMSG;
	fixed_part(out, in.p);
	out->padding = padding;
	out->has_extension = in.p[0] >> 4 & 1;
	out->extension_profile =
		out->has_extension ? be16_get(extension.p - EXTENSION_HEAD_LEN) : 0;
	out->csrc = bytes_sub(in, RTP_HEAD_LEN, csrc_len);
	out->extension = extension;
	out->payload = rest;
	return 0;
}

int rtp_parse_sealed(struct rtp_head *out, struct bytes in)
{
	return rtp_head_read(out, in, true);
}

int rtp_parse(struct rtp_head *out, struct bytes in)
{
	return rtp_head_read(out, in, false);
}

static bool element_cut(struct bytes *rest, size_t head, uint8_t id, size_t len,
			struct rtp_element *out)
{
	struct bytes data = bytes_from(*rest, head);

	if (data.n < len)
		return false;
	out->id = id;
	out->data = bytes_sub(data, 0, len);
	*rest = bytes_from(data, len);
	return true;
}

/* RFC 8285 4.2: a length field of 0 is one octet. */
static bool one_byte_next(struct bytes *rest, struct rtp_element *out)
{
	uint8_t id = rest->p[0] >> 4;

	return id != 0 && id != ID_RESERVED &&
	       element_cut(rest, 1, id, (rest->p[0] & 0x0fU) + 1U, out);
}

static bool two_byte_next(struct bytes *rest, struct rtp_element *out)
{
	return rest->n >= 2 && element_cut(rest, 2, rest->p[0], rest->p[1], out);
}

bool rtp_element_next(const struct rtp_head *h, struct bytes *rest, struct rtp_element *out)
{
	while (rest->n && rest->p[0] == 0) /* padding */
		*rest = bytes_from(*rest, 1);
	if (!h->has_extension || rest->n == 0)
		return false;
	if (h->extension_profile == RTP_EXTENSION_ONE_BYTE)
		return one_byte_next(rest, out);
	if ((h->extension_profile & 0xfff0) == RTP_EXTENSION_TWO_BYTE)
		return two_byte_next(rest, out);
	return false;
}

bool rtp_element_find(const struct rtp_head *h, uint8_t id, struct bytes *data)
{
	struct rtp_element element;
	struct bytes rest = h->extension;

	while (rtp_element_next(h, &rest, &element)) {
		if (element.id != id)
			continue;
		*data = element.data;
		return true;
	}
	return false;
}
