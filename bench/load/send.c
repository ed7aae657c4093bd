/* SPDX-License-Identifier: Apache-2.0 */
/* What an endpoint sends. */
#include <errno.h>
#include <string.h>

#include "base/bytes.h"
#include "bench/load/fail.h"
#include "bench/load/load.h"
#include "bench/load/speech.h"

enum { FRAMES_PER_LARGE = 30 };

static void packet_send(struct load *l, uint32_t index, uint8_t *wire, bool last, uint64_t now_ns)
{
	const struct load_kind *kind = &l->options.kind;
	struct load_endpoint *e = &l->list[index];
	struct load_stamp stamp = { .magic = LOAD_MAGIC,
				    .stream = index,
				    .number = e->sent,
				    .timestamp = e->timestamp,
				    .sent_ns = now_ns };
	size_t n = kind->packet;

	memcpy(wire, e->packet, n);
	if (last && kind->burst_large > 1) /* RFC 6184 5.1 */
		wire[1] |= 0x80;
	be16_put(wire + 2, e->sequence++);
	be32_put(wire + 4, e->timestamp);
	if (l->options.speech)
		memcpy(wire + LOAD_RTP_HEAD, load_speech(index, e->sent), n - LOAD_RTP_HEAD);
	else
		memcpy(wire + LOAD_RTP_HEAD, &stamp, sizeof(stamp));
	if (e->srtp)
		n = load_srtp_protect(e->srtp, wire, n);
	if (n == 0)
		load_fail("SRTP", EPROTO);
	l->wire->ops->send(l->wire, index, wire, n);
	e->sent++;
	l->t.sent++;
}

static bool is_ready(struct load_endpoint *e, uint64_t now_ns)
{
	if (!e->webrtc)
		return true;
	e->srtp = load_webrtc_srtp(e->webrtc, now_ns);
	return e->srtp != NULL;
}

void load_frame_send(struct load *l, uint32_t index, uint64_t now_ns)
{
	const struct load_kind *kind = &l->options.kind;
	struct load_endpoint *e = &l->list[index];

	if (!is_ready(e, now_ns) || !is_ready(&l->list[index ^ 1], now_ns))
		return;

	bool large = (e->frames++ + index) % FRAMES_PER_LARGE == 0;
	uint32_t burst = large ? kind->burst_large : kind->burst;

	for (uint32_t i = 0; i < burst; i++)
		packet_send(l, index, e->wire[i], i + 1 == burst, now_ns);
	e->timestamp += kind->frame_units;
}
