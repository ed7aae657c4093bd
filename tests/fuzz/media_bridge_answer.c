/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An offer that is changed, and an answer that is our offer, changed: most texts that a fuzzer makes up are none to it. A script has pairs of
 * octets: a line, and what becomes of it.
 */
#include <string.h>

#include "tests/fuzz/media_bridge.h"

enum { LINES_MAX = 400 };

struct fuzz_text {
	unsigned count;
	struct bytes line[LINES_MAX];
};

static uint8_t g_changed[1 << 17];
static size_t g_used;

static void cut_lines(struct fuzz_text *t, struct bytes in)
{
	struct bytes line;

	t->count = 0;
	while (t->count < LINES_MAX && bytes_cut(&in, '\n', &line))
		t->line[t->count++] = bytes_trim(line);
}

static void drop(struct fuzz_text *t, unsigned i)
{
	memmove(&t->line[i], &t->line[i + 1], (t->count - i - 1) * sizeof(t->line[0]));
	t->count--;
}

static void twice(struct fuzz_text *t, unsigned i)
{
	if (t->count == LINES_MAX)
		return;
	memmove(&t->line[i + 1], &t->line[i], (t->count - i) * sizeof(t->line[0]));
	t->count++;
}

static void swap(struct fuzz_text *t, unsigned i)
{
	struct bytes line = t->line[i];
	unsigned next = (i + 1) % t->count;

	t->line[i] = t->line[next];
	t->line[next] = line;
}

/* What was written is the line now. */
static void set(struct fuzz_text *t, unsigned i, const struct writer *w)
{
	if (w->overflow)
		return;
	t->line[i] = bytes_mem(w->p, w->n);
	g_used += w->n;
}

static struct writer anew(void)
{
	return writer_over(g_changed + g_used, sizeof(g_changed) - g_used);
}

/* Each "from" becomes "to". */
static void replace(struct fuzz_text *t, unsigned i, const char *from, const char *to)
{
	struct writer w = anew();
	struct bytes in = t->line[i];

	while (in.n) {
		bool found = bytes_starts(in, from);

		if (found)
			writer_str(&w, to);
		else
			writer_u8(&w, in.p[0]);
		in = bytes_from(in, found ? strlen(from) : 1);
	}
	set(t, i, &w);
}

/* "m=audio 40000 RTP/AVP 0 8 101": the formats are turned, the port is 0, or the last format is gone. */
static void change_words(struct fuzz_text *t, unsigned i, uint8_t how)
{
	struct writer w = anew();
	struct bytes words[64], rest = t->line[i];
	unsigned count = 0;

	while (count < COUNT_OF(words) && bytes_cut(&rest, ' ', &words[count]))
		count++;
	if (count < 5)
		return;
	if (how == 1)
		words[1] = BYTES_LIT("0");
	for (unsigned k = 0; k < count - (how == 2); k++) {
		bool turned = how == 0 && k >= 3;

		writer_str(&w, k ? " " : "");
		writer_bytes(&w, words[turned ? 3 + (k - 2) % (count - 3) : k]);
	}
	set(t, i, &w);
}

/* The number of a format, of a tag, of an extension, or the last one of m=: one more. */
static void bump(struct fuzz_text *t, unsigned i)
{
	struct bytes in = t->line[i], head = in;
	struct writer w = anew();
	size_t at = bytes_find(in, ':') + 1, end = at;
	uint32_t number;

	if (bytes_starts(in, "m="))
		for (at = in.n; at && in.p[at - 1] != ' '; at--)
			;
	for (end = at; end < in.n && in.p[end] >= '0' && in.p[end] <= '9'; end++)
		;
	if (at >= in.n || bytes_u32(bytes_sub(in, at, end - at), &number))
		return;
	head.n = at;
	writer_bytes(&w, head);
	writer_number(&w, "", number + 1ULL, "");
	writer_bytes(&w, bytes_from(in, end));
	set(t, i, &w);
}

static bool has(struct bytes line, const char *part)
{
	return line.n && memmem(line.p, line.n, part, strlen(part));
}

/* In the line, or the next that has it. */
static void change_part(struct fuzz_text *t, unsigned i, const char *from, const char *to)
{
	for (unsigned k = 0; k < t->count; k++) {
		if (has(t->line[(i + k) % t->count], from)) {
			replace(t, (i + k) % t->count, from, to);
			return;
		}
	}
}

static void change(struct fuzz_text *t, unsigned i, uint8_t op)
{
	static const char *const words[][2] = {
		{ "RTP/AVP", "RTP/AVPF" },
		{ "AVPFF", "AVP" },
		{ "SAVPF", "SAVP" },
		{ "sendrecv", "sendonly" },
		{ "sendrecv", "recvonly" },
		{ "sendrecv", "inactive" },
		{ "active", "passive" },
		{ "8000", "48000" },
		{ "48000/2", "8000" },
		{ "packetization-mode=1", "packetization-mode=0" },
		{ "42e01f", "640c1f" },
		{ "203.0.113.9", "0.0.0.0" },
		{ "ice-ufrag", "x-ufrag" },
		{ "BUNDLE 0", "BUNDLE" },
		{ "rtcp-mux", "rtcp-rsize" },
		{ "a=rtcp-fb:", "a=rtcp-fb:* " },
		{ "telephone-event", "CN" },
		{ "a=mid:0", "a=mid:1" },
		{ "a=fmtp", "a=fmtq" },
		{ "video", "audio" },
		{ "AVPF", "AVP" },
		{ "a=rtpmap:96", "a=rtcp-fb:* nack\r\na=rtpmap:96" },
		{ "opus/48000", "OPUS/48000" },
		{ "PCMU", "PCMA" },
		{ "a=extmap", "a=xmap" },
		{ "udptl", "udp" },
		{ "image", "text" },
	};

	if (op < 3)
		(op == 0 ? drop : op == 1 ? twice : swap)(t, i);
	else if (op < 6)
		change_words(t, i, op - 3);
	else if (op == 6)
		bump(t, i);
	else if (op - 7U < COUNT_OF(words))
		change_part(t, i, words[op - 7][0], words[op - 7][1]);
}

/* The party's own address and key; it chooses the role. */
static void make_its_own(struct fuzz_text *t)
{
	for (unsigned i = 0; i < t->count; i++) {
		if (bytes_starts(t->line[i], "a=crypto:"))
			t->line[i] = BYTES_LIT("a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:"
					       "UFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQ");
		if (bytes_starts(t->line[i], "a=setup:"))
			t->line[i] = BYTES_LIT("a=setup:active");
		replace(t, i, "198.51.100.7", "203.0.113.9");
	}
}

enum { OF_OFFER = 0x80, OPS = 64 };

static struct bytes changed(struct fuzz_text *t, struct bytes script, uint8_t subject,
			    struct writer *w)
{
	for (size_t i = 0; i + 1 < script.n && t->count > 1; i += 2) {
		if ((script.p[i + 1] & OF_OFFER) == subject)
			change(t, script.p[i] % t->count, script.p[i + 1] % OPS);
	}
	for (unsigned i = 0; i < t->count; i++) {
		writer_bytes(w, t->line[i]);
		writer_str(w, "\r\n");
	}
	return writer_done(w);
}

static struct fuzz_text g_text;

struct bytes bridge_offer(struct bytes offer, struct bytes script, struct writer *w)
{
	g_used = 0;
	cut_lines(&g_text, offer);
	return changed(&g_text, script, OF_OFFER, w);
}

struct bytes bridge_answer(struct bytes offer, struct bytes script, struct writer *w)
{
	g_used = 0;
	cut_lines(&g_text, offer);
	make_its_own(&g_text);
	return changed(&g_text, script, 0, w);
}
