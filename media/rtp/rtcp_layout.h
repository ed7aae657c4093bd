/* SPDX-License-Identifier: Apache-2.0 */
/* Lengths and numbers of RTCP, for the files that read and write it. */
#ifndef MEDIA_RTP_RTCP_LAYOUT_H
#define MEDIA_RTP_RTCP_LAYOUT_H

enum {
	HEAD_LEN = 4,
	SSRC_LEN = 4,
	SENDER_INFO_LEN = 20,
	FEEDBACK_LEN = 8, /* sender and media SSRC; APP: SSRC and name */
	FEEDBACK_ENTRY_LEN =
		8, /* FIR, TSTR, TSTN, TMMBR, TMMBN: an SSRC and 4 octets more (RFC 5104) */
	NACK_ENTRY_LEN = 4, /* PID and BLP */
	REMB_HEAD_LEN = 8,

	/* RFC 3611 4: types of which the content begins with the SSRC reported on, but for the receiver's time */
	XR_LOSS_RLE = 1,
	XR_DUPLICATE_RLE = 2,
	XR_RECEIPT_TIMES = 3,
	XR_RECEIVER_TIME = 4, /* of the sender */
	XR_DLRR = 5,
	XR_SUMMARY = 6,
	XR_VOIP = 7,
	XR_DLRR_LEN = 12,
};

#endif
