/* SPDX-License-Identifier: Apache-2.0 */
#include "media/rtp_parse.h"

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

static int cut_extension(struct rtp_head *h, struct bytes *rest)
{
	if (rest->n < EXTENSION_HEAD_LEN)
		return -EBADMSG;

	size_t len = (size_t)be16_get(rest->p + 2) * 4;

	h->has_extension = 1;
	h->extension_profile = be16_get(rest->p);
	*rest = bytes_from(*rest, EXTENSION_HEAD_LEN);
	if (rest->n < len)
		return -EBADMSG;
	h->extension = bytes_sub(*rest, 0, len);
	*rest = bytes_from(*rest, len);
	return 0;
}

/* RFC 3550 5.1: the last octet counts the padding, itself included. */
static int cut_padding(struct rtp_head *h, struct bytes *rest)
{
	uint8_t padding = rest->n ? rest->p[rest->n - 1] : 0;

	if (padding == 0 || padding > rest->n)
		return -EBADMSG;
	h->padding = padding;
	*rest = bytes_sub(*rest, 0, rest->n - padding);
	return 0;
}

int rtp_parse_sealed(struct rtp_head *out, struct bytes in)
{
	struct rtp_head h = { 0 };

	if (in.n < RTP_HEAD_LEN || in.p[0] >> 6 != RTP_VERSION)
		return -EBADMSG;

	size_t csrc_len = (size_t)(in.p[0] & 0x0f) * 4;
	struct bytes rest = bytes_from(in, RTP_HEAD_LEN);

	fixed_part(&h, in.p);
	if (rest.n < csrc_len)
		return -EBADMSG;
	h.csrc = bytes_sub(rest, 0, csrc_len);
	rest = bytes_from(rest, csrc_len);
	if (in.p[0] & 0x10 && cut_extension(&h, &rest))
		return -EBADMSG;
	h.payload = rest;
	*out = h;
	return 0;
}

int rtp_parse(struct rtp_head *out, struct bytes in)
{
	struct rtp_head h;

	if (rtp_parse_sealed(&h, in))
		return -EBADMSG;
	if (in.p[0] & 0x20 && cut_padding(&h, &h.payload))
		return -EBADMSG;
	*out = h;
	return 0;
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
