/* SPDX-License-Identifier: Apache-2.0 */
/* Parts of what browsers offer, for tests of lines over DTLS. */
#ifndef TESTS_UNIT_MEDIA_OFFER_BROWSER_H
#define TESTS_UNIT_MEDIA_OFFER_BROWSER_H

#include "tests/unit/media/offer_rig.h"

#include <errno.h>

#include "media/rtp/transport_cc.h"

#define HEAD   "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n"
#define F16    "11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:"
#define F32    F16 F16
#define SHA256 "a=fingerprint:sha-256 " F16 "11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:01\r\n"
#define SHA384 "a=fingerprint:SHA-384 " F32 "21:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:02\r\n"
#define SHA512 \
	"a=fingerprint:sha-512 " F32 F16 "31:22:33:44:55:66:77:88:99:aa:bb:cc:dd:ee:ff:03\r\n"
#define SHA1     "a=fingerprint:sha-1 " F16 "11:22:33:44\r\n"
#define PWD      "abcdefghijklmnopqrstuv"
#define ICE      "a=ice-ufrag:abcd\r\na=ice-pwd:" PWD "\r\n"
#define AUDIO    "m=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=rtcp-mux\r\n"
#define VIDEO    "m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=rtcp-mux\r\na=rtpmap:96 H264/90000\r\n"
#define CC(id)   "a=extmap:" id " " TRANSPORT_CC_URI "\r\n"
#define RID_NAME "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id"
#define RID(id)  "a=extmap:" id " " RID_NAME "\r\n"
#define PLAIN    HEAD "m=audio 5000 RTP/AVP 0\r\n"

static struct rig g_rig;

static inline void begin(bool accept, bool offer)
{
	rig_init(&g_rig);
	g_rig.policy.video = true;
	rig_dtls_terms(&g_rig, accept, offer);
}

static inline void check_reason(const char *name, const char *reason)
{
	ROW_ASSERT(name, g_rig.err == -ENOTSUP && g_rig.error.status == 488);
	if (strcmp(g_rig.error.reason, reason) != 0)
		fail_msg("%s: %s", name, g_rig.error.reason);
}

static inline void check_has(const char *name, struct bytes text, const char *part)
{
	if (!rig_has(text, part))
		fail_msg("%s: no %s in\n" BYTES_FMT, name, part, BYTES_ARG(text));
}

static inline void check_no_layers(const char *name, struct bytes text)
{
	ROW_ASSERT(name, !rig_has(text, "a=rid") && !rig_has(text, "a=simulcast") &&
				 !rig_has(text, "SIM"));
}

#endif
