/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The thread of multicast paging (page_cast.h). A page to phones begins with alerts, which take
 * 0.93 s; Polycom phones hear what is said from then on. A page of a phone begins with its first
 * packet. It ends with its end packets, or after 3 s of silence. The node that begins it sends it
 * to the group's other address, too, even if nobody answers. Packets with the serial, or SSRC, of
 * this cluster are of a node that pages the same group: they begin nothing.
 */

#include "app/feature/page/page_cast.h"

#include <assert.h>
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/ring.h"
#include "base/thread.h"
#include "dsp/codec/decoder.h"
#include "dsp/codec/encoder.h"
#include "dsp/codec/g711.h"
#include "dsp/resample.h"
#include "media/feed.h"
#include "media/rtp/rtp_parse.h"

enum {
	CAST_TICK_MS = 10,
	CAST_FRAME_MS = 20,
	CAST_UNITS = 160,   /* of a frame, at 8000 Hz */
	CAST_LATE = 4,      /* frames of the conference that may wait: 80 ms */
	CAST_CUSHION = 2,   /* frames before a phone's first one */
	CAST_PACKETS = 64,  /* of a socket at once */
	CAST_PCMA = 8,      /* a payload type of RTP alone */
	CAST_DECODED = 960, /* samples of a packet, at most: 60 ms of 16000 Hz */
	CAST_PCM = 2 * CAST_DECODED + FEED_SAMPLES_MAX,
};
#define CAST_SILENT_NS (3 * NS_PER_S)
#define CAST_OURS_NS   (1 * NS_PER_S)
#define CAST_TAKEN_NS  (15 * NS_PER_S) /* a page of another node may be taken over so late */
#define CAST_BEGIN_NS  (1 * NS_PER_S)  /* from one BEGINS of a group to the next, at least */
#define CAST_REST_NS   (NS_PER_S / 2)  /* after an end, its sender's late packets begin nothing */

static metric_id g_cast_groups, g_cast_sent, g_cast_taken, g_cast_dropped;

const struct metric_def g_page_cast_metrics[] = {
	{ &g_cast_groups, METRIC_GAUGE, "tandem_page_multicast_groups",
	  "Paging groups that this node has on multicast addresses.", NULL },
	{ &g_cast_sent, METRIC_COUNTER, "tandem_page_multicast_sent_total",
	  "Packets of pages sent to multicast addresses.", NULL },
	{ &g_cast_taken, METRIC_COUNTER, "tandem_page_multicast_taken_total",
	  "Packets of phones' pages that were taken.", NULL },
	{ &g_cast_dropped, METRIC_COUNTER, "tandem_page_multicast_dropped_total",
	  "Packets at multicast addresses of pages that were no page's, or of a second speaker.",
	  NULL },
	{ .id = NULL },
};

/* A page of a phone. */
struct cast_rx {
	uint64_t last_ns;   /* 0: nobody speaks */
	uint64_t ended_ns;  /* the last one has said its end */
	uint64_t begins_ns; /* of the last BEGINS */
	bool done;          /* its stream has ended before it: it begins nothing more */
	uint32_t source;    /* serial or SSRC, */
	uint8_t way;        /* and how it came */
	bool started;       /* next counts */
	uint32_t next;      /* the sample that comes next */
	struct decoder *decoder;
	uint8_t codec; /* of the decoder */
	struct half_band up;
	uint32_t pcm_count;
	int16_t pcm[CAST_PCM];
};

struct cast {
	struct page_cast_terms terms;
	int fds[PAGE_CAST_WAYS];        /* -1: not by this way */
	struct page_cast_stream stream; /* id 0: none */
	bool over;                      /* LIVE_ENDED was said of it */
	bool bridges;                   /* a phone's page, for all who hear the other address */
	bool ends;                      /* ENDS is to be said */
	uint32_t frame;                 /* serial of the last frame for the conference */
	uint64_t ours_ns;               /* a node of the cluster pages this group */
	uint64_t start_ns;
	/* what is sent */
	uint8_t sign;  /* enum page_op of the signs; PAGE_OP_SOUND: none is due */
	uint8_t signs; /* that are left */
	uint64_t sign_ns, frame_ns;
	struct encoder *encoder;
	uint16_t sequence;
	uint32_t sample;
	uint8_t before_count;
	uint8_t before[PAGE_WIRE_FRAME];
	struct cast_rx heard;
};

enum cast_command_kind { CAST_JOIN, CAST_LEAVE, CAST_START, CAST_END, CAST_BRIDGE };

struct cast_command {
	enum cast_command_kind kind;
	struct cast *cast;              /* JOIN: the thread's from now on */
	struct page_cast_stream stream; /* START */
	uint64_t id;                    /* LEAVE, BRIDGE: of the group; END: of the stream */
};

/* Of each stream two events at most wait: one that it is over, and LIVE_GONE. Of each group and
 * stream control owes one command at most. */
enum { CAST_OWED_MAX = 2 * PAGE_CAST_MAX };

static struct {
	pthread_t thread;
	bool runs;
	/* control's */
	uint32_t joined, begun, owed_count;
	struct cast_command owed[CAST_OWED_MAX];
	struct ring commands, events;
	int poll;
	_Atomic bool stop;
	/* the thread's */
	struct cast *list[PAGE_CAST_MAX];
	uint32_t count, late_count;
	struct page_cast_event late[CAST_OWED_MAX]; /* the ring had no room for them */
} g_cast;

/* ---- what is sent ---- */

static void cast_datagram(const struct cast *c, enum page_cast_way way, const struct writer *w)
{
	struct sockaddr_storage to;
	uint32_t length = addr_to_sockaddr(&c->terms.to[way], &to);
	struct bytes octets = writer_done(w);

	if (sendto(c->fds[way], octets.p, octets.n, MSG_DONTWAIT | MSG_NOSIGNAL,
		   (struct sockaddr *)&to, length) == (ssize_t)octets.n)
		metric_add(g_cast_sent, 1);
}

static struct page_packet cast_packet(const struct cast *c, enum page_op op)
{
	struct page_packet p = { .op = (uint8_t)op,
				 .channel = (uint8_t)(PAGE_WIRE_FIRST + c->terms.channel),
				 .serial = c->terms.serial,
				 .caller_length = PAGE_WIRE_CALLER };

	memcpy(p.caller, c->terms.caller, sizeof(p.caller));
	return p;
}

static void cast_sign(const struct cast *c)
{
	uint8_t space[PAGE_WIRE_MAX];
	struct writer w = writer_over(space, sizeof(space));
	const struct page_packet p = cast_packet(c, (enum page_op)c->sign);

	page_packet_write(&w, &p);
	cast_datagram(c, PAGE_CAST_POLYCOM, &w);
}

static void cast_signs_start(struct cast *c, enum page_op op, uint64_t now_ns)
{
	if (c->fds[PAGE_CAST_POLYCOM] < 0)
		return;
	c->sign = (uint8_t)op;
	c->signs = op == PAGE_OP_ALERT ? PAGE_WIRE_ALERTS : PAGE_WIRE_ENDS;
	c->sign_ns = now_ns;
	c->before_count = 0;
}

static void cast_signs_go(struct cast *c, uint64_t now_ns)
{
	for (; c->signs && now_ns >= c->sign_ns; c->sign_ns += PAGE_WIRE_SIGN_MS * NS_PER_MS) {
		cast_sign(c);
		c->signs--;
	}
}

static void cast_send_polycom(struct cast *c, uint8_t codec, const uint8_t frame[PAGE_WIRE_FRAME])
{
	uint8_t space[PAGE_WIRE_MAX];
	struct writer w = writer_over(space, sizeof(space));
	struct page_packet p = cast_packet(c, PAGE_OP_SOUND);

	if (c->signs || c->fds[PAGE_CAST_POLYCOM] < 0)
		return;
	p.codec = codec;
	p.sample = c->sample;
	p.before = bytes_mem(c->before, c->before_count);
	p.frame = bytes_mem(frame, PAGE_WIRE_FRAME);
	page_packet_write(&w, &p);
	cast_datagram(c, PAGE_CAST_POLYCOM, &w);
	memcpy(c->before, frame, PAGE_WIRE_FRAME);
	c->before_count = PAGE_WIRE_FRAME;
}

static void cast_send_rtp(struct cast *c, uint8_t codec, const uint8_t frame[PAGE_WIRE_FRAME])
{
	uint8_t space[RTP_HEAD_LEN + PAGE_WIRE_FRAME];
	struct writer w = writer_over(space, sizeof(space));

	if (c->fds[PAGE_CAST_RTP] < 0)
		return;
	writer_u8(&w, RTP_FIRST_PLAIN);
	writer_u8(&w, (uint8_t)(codec | (c->sequence ? 0 : 0x80)));
	writer_be16(&w, c->sequence);
	writer_be32(&w, c->sample);
	writer_be32(&w, c->terms.serial);
	writer_mem(&w, frame, PAGE_WIRE_FRAME);
	cast_datagram(c, PAGE_CAST_RTP, &w);
}

/* A frame that came by one way goes by the other. */
static void cast_send(struct cast *c, int came, uint8_t codec, const uint8_t frame[PAGE_WIRE_FRAME])
{
	if (came != PAGE_CAST_POLYCOM)
		cast_send_polycom(c, codec, frame);
	if (came != PAGE_CAST_RTP)
		cast_send_rtp(c, codec, frame);
	c->sequence++;
	c->sample += CAST_UNITS;
}

/* The next frame of the conference; silence where it has none. */
static void cast_frame_read(struct cast *c, int16_t *pcm, uint32_t samples)
{
	const struct feed_out *out = media_feed_out(c->stream.feed);

	memset(pcm, 0, samples * sizeof(*pcm));
	if (!out)
		return;
	for (uint32_t i = 0; i < samples && 2 * i + 1 < out->length; i++)
		pcm[i] = (int16_t)be16_get(out->octets + 2 * (size_t)i);
	media_feed_out_release(c->stream.feed);
}

static uint32_t cast_frames_wait(const struct media_feed *f)
{
	return atomic_load_explicit(&f->report_tail, memory_order_relaxed) -
	       atomic_load_explicit(&f->report_head, memory_order_relaxed);
}

static void cast_frame_send(struct cast *c)
{
	bool wide = c->stream.rate_hz == G722_RATE;
	uint32_t samples = c->stream.rate_hz / 1000 * CAST_FRAME_MS;
	int16_t pcm[FEED_SAMPLES_MAX];
	uint8_t frame[PAGE_WIRE_FRAME];

	while (cast_frames_wait(c->stream.feed) > CAST_LATE)
		media_feed_out_release(c->stream.feed);
	cast_frame_read(c, pcm, samples);
	if (encoder_frame(c->encoder, pcm, samples, frame, sizeof(frame)) == sizeof(frame))
		cast_send(c, -1, wide ? PAGE_CODEC_G722 : PAGE_CODEC_PCMU, frame);
}

static void cast_frames_go(struct cast *c, uint64_t now_ns)
{
	if (now_ns > c->frame_ns + CAST_LATE * CAST_FRAME_MS * NS_PER_MS)
		c->frame_ns = now_ns;
	for (; now_ns >= c->frame_ns; c->frame_ns += CAST_FRAME_MS * NS_PER_MS)
		cast_frame_send(c);
}

/* ---- events ---- */

/* Those of streams, in their order; LIVE_GONE is never lost. */
static void cast_late_go(void)
{
	uint32_t n = 0;

	while (n < g_cast.late_count && ring_push(&g_cast.events, &g_cast.late[n]))
		n++;
	g_cast.late_count -= n;
	memmove(g_cast.late, g_cast.late + n, g_cast.late_count * sizeof(g_cast.late[0]));
}

static void cast_notify(const struct cast *c, enum live_event_kind kind)
{
	const struct page_cast_event event = { .group = c->terms.group,
					       .live = { .kind = kind,
							 .id = c->stream.id,
							 .call = c->stream.call,
							 .feed = c->stream.feed,
							 .was_up = true } };

	cast_late_go();
	if (!g_cast.late_count && ring_push(&g_cast.events, &event))
		return;
	assert(g_cast.late_count < CAST_OWED_MAX);
	g_cast.late[g_cast.late_count++] = event;
}

static void cast_stream_over(struct cast *c, enum live_event_kind kind)
{
	if (c->stream.id && !c->over)
		cast_notify(c, kind);
	c->over = true;
}

/* Sends an event of a phone's page. False: the ring is full. */
static bool cast_say(const struct cast *c, enum page_cast_event_kind kind, bool again)
{
	return ring_push(&g_cast.events, &(struct page_cast_event){ .kind = kind,
								    .group = c->terms.group,
								    .again = again });
}

static void cast_begins_say(struct cast *c, uint64_t now_ns)
{
	struct cast_rx *h = &c->heard;

	if (c->stream.id || c->bridges || h->done ||
	    (h->begins_ns && now_ns - h->begins_ns < CAST_BEGIN_NS))
		return;
	(void)cast_say(c, PAGE_CAST_BEGINS,
		       h->last_ns || (c->ours_ns && now_ns - c->ours_ns < CAST_TAKEN_NS));
	h->begins_ns = now_ns;
}

/* ---- what phones send ---- */

/* A frame of 20 ms for the conference, with a cushion where the one before was played. */
static void rx_frame(struct cast *c, const int16_t *pcm, uint32_t samples)
{
	static const int16_t silence[FEED_SAMPLES_MAX];
	uint32_t more = media_feed_waiting(c->stream.feed) ? 0 : CAST_CUSHION;

	for (uint32_t i = 0; i <= more; i++) {
		struct feed_frame *f = media_feed_reserve(c->stream.feed);

		if (!f)
			return;
		f->serial = ++c->frame;
		f->mark = 0;
		f->is_silence = 0;
		memcpy(f->pcm, i < more ? silence : pcm, samples * sizeof(*pcm));
		media_feed_publish(c->stream.feed);
	}
}

static const char *rx_codec_name(uint8_t codec)
{
	switch (codec) {
	case PAGE_CODEC_PCMU:
		return "PCMU";
	case CAST_PCMA:
		return "PCMA";
	case PAGE_CODEC_G722:
		return "G722";
	default:
		return NULL;
	}
}

/* False: no codec that is taken. */
static bool rx_decoder(struct cast *c, uint8_t codec)
{
	struct cast_rx *h = &c->heard;
	const struct decoder_settings s = { .codec = rx_codec_name(codec),
					    .rate = codec == PAGE_CODEC_G722 ? c->stream.rate_hz
									     : 0 };

	if (h->decoder && h->codec == codec)
		return true;
	decoder_close(h->decoder);
	h->decoder = NULL;
	h->codec = codec;
	return s.codec && decoder_open(&h->decoder, &s) == 0;
}

/* A payload of any length becomes frames. */
static void rx_payload(struct cast *c, uint8_t codec, struct bytes payload)
{
	struct cast_rx *h = &c->heard;
	uint32_t samples = c->stream.rate_hz / 1000 * CAST_FRAME_MS, at = 0;
	bool up = codec != PAGE_CODEC_G722 && c->stream.rate_hz == G722_RATE;
	int16_t narrow[CAST_DECODED];
	int n;

	if (!rx_decoder(c, codec))
		return;
	n = decoder_frame(h->decoder, payload, up ? narrow : h->pcm + h->pcm_count, CAST_DECODED);
	if (n <= 0)
		return;
	if (up)
		half_band_up(&h->up, narrow, (size_t)n, h->pcm + h->pcm_count);
	h->pcm_count += (uint32_t)n * (up ? 2 : 1);
	for (; h->pcm_count - at >= samples; at += samples)
		rx_frame(c, h->pcm + at, samples);
	h->pcm_count -= at;
	memmove(h->pcm, h->pcm + at, h->pcm_count * sizeof(h->pcm[0]));
}

/* Into the conference, if there is one already, and to the other address of the group. Polycom
 * phones have no PCMA. */
static void rx_give(struct cast *c, uint8_t codec, struct bytes frame)
{
	uint8_t pcmu[PAGE_WIRE_FRAME];

	if (c->stream.id)
		rx_payload(c, codec, frame);
	if (frame.n != PAGE_WIRE_FRAME)
		return;
	for (int i = 0; codec == CAST_PCMA && i < PAGE_WIRE_FRAME; i++)
		pcmu[i] = g711_ulaw_of(g711_alaw_sample(frame.p[i]));
	cast_send(c, c->heard.way, codec == CAST_PCMA ? PAGE_CODEC_PCMU : codec,
		  codec == CAST_PCMA ? pcmu : frame.p);
}

/* Each sample once, and in order; `before` stands for a packet that was lost. */
static void rx_sound(struct cast *c, uint8_t codec, uint32_t sample, struct bytes before,
		     struct bytes frame)
{
	struct cast_rx *h = &c->heard;
	int32_t ahead = (int32_t)(sample - h->next);

	if (!c->stream.heard && !c->bridges)
		return;
	if (h->started && ahead < 0 && ahead > -(int32_t)G722_RATE_LOW)
		return; /* late, or twice */
	if (h->started && ahead == CAST_UNITS && before.n)
		rx_give(c, codec, before);
	rx_give(c, codec, frame);
	h->started = true;
	h->next = sample + (uint32_t)frame.n; /* an octet a unit of 8000 Hz, in all three */
}

/* True: the packet belongs to the page of the phone that speaks, or begins a page. */
static bool rx_from(struct cast *c, enum page_cast_way way, uint32_t source, bool alerts,
		    uint64_t now_ns)
{
	struct cast_rx *h = &c->heard;

	if (source == c->terms.serial) {
		if (!c->stream.id && !c->bridges)
			c->ours_ns = now_ns;
		return false;
	}
	if ((c->stream.id ? !c->stream.heard : c->signs && !c->bridges) ||
	    (c->ours_ns && now_ns - c->ours_ns < CAST_OURS_NS) ||
	    (h->last_ns && (h->source != source || h->way != way)))
		return false;
	if (h->last_ns) {
		cast_begins_say(c, now_ns);
		return true;
	}
	if (!alerts && h->ended_ns && h->source == source && now_ns - h->ended_ns < CAST_REST_NS)
		return false;
	h->source = source;
	h->way = (uint8_t)way;
	h->started = h->done = false;
	h->pcm_count = 0;
	cast_begins_say(c, now_ns);
	if (c->stream.id && way == PAGE_CAST_RTP) /* taken over */
		cast_signs_start(c, PAGE_OP_ALERT, now_ns);
	return true;
}

/* Ends a phone's page. Phones at the other address get end packets: where the page has a stream,
 * cast_end sends them. */
static void rx_end(struct cast *c, uint64_t now_ns)
{
	c->heard.last_ns = 0;
	c->heard.ended_ns = now_ns;
	c->ends |= c->bridges;
	if (c->bridges && !c->stream.id && c->heard.way == PAGE_CAST_RTP)
		cast_signs_start(c, PAGE_OP_END, now_ns);
	c->bridges = false;
	if (c->stream.heard)
		cast_stream_over(c, LIVE_ENDED);
}

static bool cast_polycom(struct cast *c, struct bytes in, uint64_t now_ns)
{
	struct page_packet p;

	if (page_packet_parse(&p, in))
		return false;
	if (p.channel != PAGE_WIRE_FIRST + c->terms.channel)
		return true; /* another group's */
	if (p.op == PAGE_OP_END && !c->heard.last_ns)
		return true;
	if (!rx_from(c, PAGE_CAST_POLYCOM, p.serial, p.op == PAGE_OP_ALERT, now_ns))
		return p.serial == c->terms.serial;
	c->heard.last_ns = now_ns;
	if (p.op == PAGE_OP_SOUND)
		rx_sound(c, p.codec, p.sample, p.before, p.frame);
	if (p.op == PAGE_OP_END)
		rx_end(c, now_ns);
	return true;
}

static bool cast_rtp(struct cast *c, struct bytes in, uint64_t now_ns)
{
	struct rtp_head h;

	if (datagram_classify(in) != DATAGRAM_RTP || rtp_parse(&h, in) || !h.payload.n ||
	    !rx_codec_name(h.payload_type))
		return false;
	if (!rx_from(c, PAGE_CAST_RTP, h.ssrc, false, now_ns))
		return h.ssrc == c->terms.serial;
	c->heard.last_ns = now_ns;
	rx_sound(c, h.payload_type, h.timestamp, (struct bytes){ 0 }, h.payload);
	return true;
}

static void cast_receive(struct cast *c, enum page_cast_way way)
{
	uint8_t octets[2048];
	uint64_t now_ns = clock_now_ns();

	for (int i = 0; i < CAST_PACKETS; i++) {
		ssize_t n = recv(c->fds[way], octets, sizeof(octets), MSG_DONTWAIT);
		struct bytes in = bytes_mem(octets, n > 0 ? (size_t)n : 0);

		if (n < 0)
			return;
		metric_add((way == PAGE_CAST_RTP ? cast_rtp : cast_polycom)(c, in, now_ns)
				   ? g_cast_taken
				   : g_cast_dropped,
			   1);
	}
}

/* ---- commands ---- */

static struct cast *cast_find(uint64_t group)
{
	for (uint32_t i = 0; i < g_cast.count; i++) {
		if (g_cast.list[i]->terms.group == group)
			return g_cast.list[i];
	}
	return NULL;
}

static void cast_free(struct cast *c)
{
	for (int i = 0; i < PAGE_CAST_WAYS; i++) {
		if (c->fds[i] >= 0)
			(void)close(c->fds[i]); /* epoll forgets it */
	}
	encoder_close(c->encoder);
	decoder_close(c->heard.decoder);
	free(c);
}

/* Fails a stream of a group that is gone, or was never there. */
static void cast_stream_refused(const struct page_cast_stream *stream)
{
	static struct cast nowhere;

	nowhere.stream = *stream;
	cast_notify(&nowhere, LIVE_FAILED);
	cast_notify(&nowhere, LIVE_GONE);
}

static void cast_leave(uint64_t group)
{
	struct cast *c = cast_find(group);
	uint32_t i = 0;

	if (!c)
		return;
	cast_stream_over(c, LIVE_FAILED);
	if (c->stream.id)
		cast_notify(c, LIVE_GONE);
	while (g_cast.list[i] != c)
		i++;
	g_cast.list[i] = g_cast.list[--g_cast.count];
	cast_free(c);
}

/* Adds a group. One that is joined already keeps its stream, and gets new terms and sockets. */
static void cast_join(struct cast *c)
{
	struct cast *before = cast_find(c->terms.group);

	if (before) {
		for (int i = 0; i < PAGE_CAST_WAYS; i++) {
			int old = before->fds[i];

			before->fds[i] = c->fds[i];
			c->fds[i] = old;
		}
		before->terms = c->terms;
		cast_free(c);
		c = before;
	} else {
		g_cast.list[g_cast.count++] = c;
	}
	for (int i = 0; i < PAGE_CAST_WAYS; i++) {
		struct epoll_event e = { .events = EPOLLIN,
					 .data.u64 = c->terms.group << 1 | (uint64_t)i };

		if (c->fds[i] >= 0 && epoll_ctl(g_cast.poll, EPOLL_CTL_ADD, c->fds[i], &e))
			LOG_ERROR("page", 0, "a multicast address is not listened to",
				  LOG_STR("error", strerror(errno)));
	}
}

static void cast_start(const struct page_cast_stream *stream)
{
	struct cast *c = cast_find(stream->group);
	struct encoder_settings s = { .codec = stream->rate_hz == G722_RATE ? "G722" : "PCMU" };
	uint64_t now_ns = clock_now_ns();

	if (!c || c->stream.id) {
		cast_stream_refused(stream);
		return;
	}
	encoder_close(c->encoder);
	c->encoder = NULL;
	c->stream = *stream;
	c->over = false;
	c->frame = 0;
	if (!stream->heard) { /* what a phone has begun is over */
		c->bridges = false;
		c->heard.last_ns = 0;
	}
	if (!c->bridges)
		c->sequence = 0;
	c->start_ns = c->frame_ns = now_ns;
	c->heard.pcm_count = 0;
	decoder_close(c->heard.decoder);
	c->heard.decoder = NULL;
	if (!stream->heard && encoder_open(&c->encoder, &s))
		cast_stream_over(c, LIVE_FAILED);
	if (!stream->heard || (!c->bridges && c->heard.last_ns && c->heard.way == PAGE_CAST_RTP))
		cast_signs_start(c, PAGE_OP_ALERT, now_ns);
}

static void cast_bridge(uint64_t group)
{
	struct cast *c = cast_find(group);

	if (!c || c->stream.id || c->bridges)
		return;
	if (!c->heard.last_ns) { /* it was over before */
		c->ends = true;
		return;
	}
	c->bridges = true;
	c->sequence = 0;
	if (c->heard.way == PAGE_CAST_RTP)
		cast_signs_start(c, PAGE_OP_ALERT, clock_now_ns());
}

/* Ends a stream. Phones get end packets at the addresses that the page was sent to. */
static void cast_end(uint64_t id)
{
	for (uint32_t i = 0; i < g_cast.count; i++) {
		struct cast *c = g_cast.list[i];

		if (c->stream.id != id)
			continue;
		if (!c->stream.heard || c->heard.way == PAGE_CAST_RTP)
			cast_signs_start(c, PAGE_OP_END, clock_now_ns());
		c->heard.done |= c->stream.heard;
		c->bridges = false;
		cast_notify(c, LIVE_GONE);
		c->stream = (struct page_cast_stream){ 0 };
	}
}

static void cast_commands(void)
{
	struct cast_command c;

	while (ring_pop(&g_cast.commands, &c, 1) == 1) {
		switch (c.kind) {
		case CAST_JOIN:
			cast_join(c.cast);
			break;
		case CAST_LEAVE:
			cast_leave(c.id);
			break;
		case CAST_START:
			cast_start(&c.stream);
			break;
		case CAST_END:
			cast_end(c.id);
			break;
		case CAST_BRIDGE:
			cast_bridge(c.id);
			break;
		}
	}
}

/* ---- time ---- */

/* True: the group needs the next tick. */
static bool cast_tick(struct cast *c, uint64_t now_ns)
{
	cast_signs_go(c, now_ns);
	if (c->stream.id && !c->stream.heard && c->encoder)
		cast_frames_go(c, now_ns);
	if (c->heard.last_ns && now_ns - c->heard.last_ns > CAST_SILENT_NS)
		rx_end(c, now_ns);
	else if (c->stream.heard && !c->heard.last_ns && now_ns - c->start_ns > CAST_SILENT_NS)
		cast_stream_over(c, LIVE_ENDED); /* it was over before this process had it */
	if (c->ends)
		c->ends = !cast_say(c, PAGE_CAST_ENDS, false);
	return c->stream.id || c->signs || c->heard.last_ns || c->ends;
}

static void cast_wait(int timeout_ms)
{
	struct epoll_event ready[CAST_PACKETS];
	int n = epoll_wait(g_cast.poll, ready, CAST_PACKETS, timeout_ms);

	for (int i = 0; i < n; i++) {
		struct cast *c = cast_find(ready[i].data.u64 >> 1);

		if (c) /* 0: commands */
			cast_receive(c, (enum page_cast_way)(ready[i].data.u64 & 1));
	}
}

static void *cast_run(void *arg)
{
	bool busy = false;

	(void)arg;
	/* acquire: pairs with the release in page_cast_close */
	while (!atomic_load_explicit(&g_cast.stop, memory_order_acquire)) {
		if (ring_sleep(&g_cast.commands))
			cast_wait(busy ? CAST_TICK_MS : -1);
		ring_awake(&g_cast.commands);
		cast_commands();
		cast_late_go();
		busy = g_cast.late_count > 0;
		for (uint32_t i = 0; i < g_cast.count; i++)
			busy |= cast_tick(g_cast.list[i], clock_now_ns());
	}
	return NULL;
}

/* ---- control ---- */

/* "" or the reason: an interface that says so itself has no multicast. */
static const char *cast_interface_lacks(const struct addr *from)
{
	struct ifaddrs *all, *at;
	const char *lacks = "the machine does not have the address of its network";
	struct addr a;

	if (addr_is_any(from))
		return "";
	if (getifaddrs(&all))
		return "its interfaces cannot be listed";
	for (at = all; at; at = at->ifa_next) {
		if (at->ifa_addr && !addr_from_sockaddr(&a, at->ifa_addr) && addr_ip_eq(&a, from))
			lacks = at->ifa_flags & IFF_MULTICAST
					? ""
					: "the interface of its network has no multicast";
	}
	freeifaddrs(all);
	return lacks;
}

/* A socket in the group. -1: errno. */
static int cast_socket(const struct page_cast_terms *t, enum page_cast_way way)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	const int on = 1, off = 0, ttl = t->ttl, tos = IPTOS_DSCP_EF;
	struct sockaddr_storage to;
	uint32_t length = addr_to_sockaddr(&t->to[way], &to);
	struct ip_mreqn group = { .imr_multiaddr = ((struct sockaddr_in *)&to)->sin_addr };

	if (!addr_is_any(&t->from))
		memcpy(&group.imr_address, t->from.ip, sizeof(group.imr_address));
	if (fd >= 0 && !setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) &&
	    !bind(fd, (struct sockaddr *)&to, length) &&
	    !setsockopt(fd, IPPROTO_IP, IP_MULTICAST_ALL, &off, sizeof(off)) &&
	    !setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &group, sizeof(group)) &&
	    !setsockopt(fd, IPPROTO_IP, IP_MULTICAST_TTL, &ttl, sizeof(ttl)) &&
	    !setsockopt(fd, IPPROTO_IP, IP_TOS, &tos, sizeof(tos)) &&
	    !setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &group, sizeof(group)))
		return fd;
	if (fd >= 0)
		(void)close(fd);
	return -1;
}

void page_cast_again(void)
{
	uint32_t n = 0;

	while (n < g_cast.owed_count && ring_push(&g_cast.commands, &g_cast.owed[n]))
		n++;
	g_cast.owed_count -= n;
	memmove(g_cast.owed, g_cast.owed + n, g_cast.owed_count * sizeof(g_cast.owed[0]));
}

/* Commands keep their order: those that wait are sent first. */
static bool cast_command_send(const struct cast_command *c)
{
	page_cast_again();
	return g_cast.runs && !g_cast.owed_count && ring_push(&g_cast.commands, c);
}

/* Sends a command that must not be lost: page_cast_again repeats it while the ring is full. */
static void cast_command_owe(const struct cast_command *c)
{
	if (!g_cast.runs || cast_command_send(c))
		return;
	assert(g_cast.owed_count < CAST_OWED_MAX);
	g_cast.owed[g_cast.owed_count++] = *c;
}

static void cast_free_rings(void)
{
	ring_close(&g_cast.commands);
	ring_close(&g_cast.events);
	if (g_cast.poll > 0)
		(void)close(g_cast.poll);
}

/* 0 or -errno. */
static int cast_open(void)
{
	struct epoll_event e = { .events = EPOLLIN };
	int err;

	if (g_cast.runs)
		return 0;
	g_cast.poll = epoll_create1(EPOLL_CLOEXEC);
	err = g_cast.poll < 0 ? -errno : 0;
	if (!err)
		err = ring_open(&g_cast.commands, sizeof(struct cast_command), 4 * PAGE_CAST_MAX);
	if (!err)
		err = ring_open(&g_cast.events, sizeof(struct page_cast_event), 8 * PAGE_CAST_MAX);
	if (!err && epoll_ctl(g_cast.poll, EPOLL_CTL_ADD, g_cast.commands.wake_fd, &e))
		err = -errno;
	if (!err) {
		(void)ring_sleep(&g_cast.events);
		atomic_store_explicit(&g_cast.stop, false, memory_order_relaxed);
		err = thread_spawn(&g_cast.thread, "multicast", cast_run, NULL);
	}
	g_cast.runs = !err;
	if (err)
		cast_free_rings();
	return err;
}

const char *page_cast_join(const struct page_cast_terms *terms, bool again)
{
	const char *lacks = cast_interface_lacks(&terms->from);
	struct cast_command command = { .kind = CAST_JOIN };
	int err = lacks[0] ? 0 : cast_open();

	if (lacks[0])
		return lacks;
	if (!err && !again && g_cast.joined >= PAGE_CAST_MAX)
		return "the node has no place for more groups with multicast";
	command.cast = err ? NULL : calloc(1, sizeof(*command.cast));
	if (!command.cast)
		return err ? strerror(-err) : "no memory";
	command.cast->terms = *terms;
	command.cast->sign = PAGE_OP_SOUND;
	for (int i = 0; i < PAGE_CAST_WAYS; i++) {
		bool wanted = terms->to[i].family != ADDR_NONE;

		command.cast->fds[i] =
			wanted && !err ? cast_socket(terms, (enum page_cast_way)i) : -1;
		if (wanted && !err && command.cast->fds[i] < 0)
			err = -errno;
	}
	if (!err && !cast_command_send(&command))
		err = -EAGAIN;
	if (err) {
		cast_free(command.cast);
		return strerror(-err);
	}
	g_cast.joined += !again;
	metric_set(g_cast_groups, g_cast.joined);
	return NULL;
}

void page_cast_leave(uint64_t group)
{
	cast_command_owe(&(struct cast_command){ .kind = CAST_LEAVE, .id = group });
	metric_set(g_cast_groups, --g_cast.joined);
}

bool page_cast_start(const struct page_cast_stream *stream)
{
	if (g_cast.begun >= PAGE_CAST_MAX || cast_open() ||
	    !cast_command_send(&(struct cast_command){ .kind = CAST_START, .stream = *stream }))
		return false;
	g_cast.begun++;
	return true;
}

void page_cast_end(uint64_t id)
{
	cast_command_owe(&(struct cast_command){ .kind = CAST_END, .id = id });
}

bool page_cast_bridge(uint64_t group)
{
	return cast_command_send(&(struct cast_command){ .kind = CAST_BRIDGE, .id = group });
}

int page_cast_fd(void)
{
	return g_cast.runs ? g_cast.events.wake_fd : -1;
}

uint32_t page_cast_events(struct page_cast_event *out, uint32_t max)
{
	uint32_t n = ring_pop(&g_cast.events, out, max);

	for (uint32_t i = 0; i < n; i++)
		g_cast.begun -= out[i].kind == PAGE_CAST_STREAM && out[i].live.kind == LIVE_GONE;
	return n;
}

bool page_cast_wait(void)
{
	ring_awake(&g_cast.events);
	return ring_sleep(&g_cast.events);
}

void page_cast_close(void)
{
	struct cast_command c;

	if (!g_cast.runs)
		return;
	/* release: pairs with the acquire in cast_run */
	atomic_store_explicit(&g_cast.stop, true, memory_order_release);
	(void)cast_command_send(&(struct cast_command){ .kind = CAST_LEAVE });
	(void)pthread_join(g_cast.thread, NULL);
	while (ring_pop(&g_cast.commands, &c, 1) == 1) {
		if (c.kind == CAST_JOIN)
			cast_free(c.cast);
	}
	while (g_cast.count)
		cast_free(g_cast.list[--g_cast.count]);
	cast_free_rings();
	g_cast.runs = false;
	g_cast.joined = g_cast.begun = g_cast.owed_count = g_cast.late_count = 0;
}
