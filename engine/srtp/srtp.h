/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SRTP and SRTCP (RFC 3711, RFC 7714) of one flow in one direction: everything its party sends, or
 * everything we send to it. Packets are given as arrays of jobs, of any streams, for back ends that
 * process many packets at a time. Nothing is allocated after a stream was opened. One thread each.
 *
 * Indexes of sent packets are never used twice under one key (RFC 3711 9.1): none below the start,
 * none at or above the limit, none that was used. A received packet is accepted if it authenticates
 * and its index is new.
 */
#ifndef ENGINE_SRTP_SRTP_H
#define ENGINE_SRTP_SRTP_H

#include "engine/net/packet.h"
#include "media/flow.h"

enum {
	SRTP_SOURCES_MAX = 8, /* SSRCs of a party at a time */
	/* The index of a source silent for less is guessed right (RFC 3711 3.3.1). */
	SRTP_HALF = 1 << 15,
	/* what protection adds: SRTCP's index and tag; our keys have no MKI */
	SRTP_TRAILER_MAX = 4 + 16,
};

#define SRTCP_INDEX_END  (UINT32_C(1) << 31)
#define SRTP_INDEX_END   (UINT64_C(1) << 48)
#define SRTP_FIRST_BELOW (UINT32_C(1) << 15) /* RFC 4568 6.4: or early losses are ambiguous */

struct srtp_stream;

/* Stores a copy of the key until close. 0, -EINVAL (no SRTP key) or -ENOMEM. */
int srtp_stream_open(struct srtp_stream **out, const struct media_key *key) NODISCARD;
/* The same with OpenSSL alone, which is there always: for tests and measurements. */
int srtp_stream_open_portable(struct srtp_stream **out, const struct media_key *key) NODISCARD;
/* Wipes all keys. NULL is fine. */
void srtp_stream_close(struct srtp_stream *s);
/* Is this its key? By whatever MKI it goes. */
bool srtp_stream_has_key(const struct srtp_stream *s, const struct media_key *key);
/* Its octets, of another suite perhaps: the session keys may be the same then. */
bool srtp_stream_has_master(const struct srtp_stream *s, const struct media_key *key);
/* Of what the party sends: from now on under the MKI of this key. */
void srtp_stream_mki(struct srtp_stream *s, const struct media_key *key);

/* For receiving: that source was authenticated up to this index, and may have gone on meanwhile. */
void srtp_stream_resume(struct srtp_stream *s, uint32_t ssrc, uint64_t highest);
/* Likewise, but under another key, of that name; or everything that `former` knows. A new key does
 * not reset the rollover counter (RFC 3711 3.3.1). Not every sender respects that, so until its
 * first packet both are accepted. */
void srtp_stream_rekey(struct srtp_stream *s, uint32_t ssrc, uint64_t highest, uint32_t name);
void srtp_stream_follow(struct srtp_stream *s, const struct srtp_stream *former);
/* The highest authenticated index of a source, and the name of its key; 0: unknown. */
uint64_t srtp_stream_highest(const struct srtp_stream *s, uint32_t ssrc);
uint32_t srtp_stream_highest_key(const struct srtp_stream *s, uint32_t ssrc);
/* Practically unique, and reveals nothing of the key. Not 0. */
uint32_t srtp_key_name(const struct media_key *key);

/* For sending, before the first packet: all indexes before next (which is not 0) count as used. */
void srtp_stream_start(struct srtp_stream *s, uint64_t next, uint32_t srtcp_next);
void srtp_stream_limit(struct srtp_stream *s, uint64_t limit, uint32_t srtcp_limit);
uint64_t srtp_stream_next(const struct srtp_stream *s);
uint32_t srtcp_stream_next(const struct srtp_stream *s);

/* One packet. It lies in data[0..length); as much as capacity may be written. */
struct srtp_job {
	struct srtp_stream *stream;
	uint8_t *data;
	uint16_t length;
	uint16_t capacity;
	uint8_t is_rtcp;
	/* enum verdict; NONE: done. Otherwise the `length` octets are unchanged. */
	uint8_t verdict;
	uint64_t index; /* of the packet, when done */
};

/* Verdicts: srtp_index_reuse, srtp_index, too_long, malformed. */
void srtp_jobs_protect(struct srtp_job *jobs, uint32_t count);
/* Verdicts: srtp_short, srtp_mki, srtp_replay, srtp_auth. */
void srtp_jobs_unprotect(struct srtp_job *jobs, uint32_t count);

#endif
