# SPDX-License-Identifier: Apache-2.0
"""A scripted WebRTC end with sound and picture on one transport (BUNDLE, RFC 9143)."""
import secrets

from .webrtc import WebRtc

VIDEO = 97              # payload type
LINES = ("a=group:BUNDLE 0 1\r\n", f"m=video {{}} UDP/TLS/RTP/SAVPF {VIDEO}\r\n",
         f"a=rtpmap:{VIDEO} H264/90000\r\na=fmtp:{VIDEO} profile-level-id=42e01f;packetization-mode=1\r\n"
         f"a=rtcp-fb:{VIDEO} nack\r\na=rtcp-fb:{VIDEO} nack pli\r\na=mid:1\r\n")


class Bundle(WebRtc):
    """Its video is what show() sends, a packet a picture; packets has both.  lossy: each fifth packet of video is lost once on the way here."""

    def __init__(self, *args, **options):
        self.video_ssrc, self.video_seq = secrets.randbits(32), secrets.randbits(14)
        self.highest_of, self.reported = {}, 0
        self.lossy, self.lost_video, self.video_heard = False, {}, {}       # by number: datagrams as they came
        super().__init__(*args, **options)

    def sdp(self, *args, **options):
        """The lines of the transport are the same in both m-lines."""
        group, line, own = LINES
        session, audio = super().sdp(*args, **options).split("m=audio", 1)
        shared = audio[audio.index("a=rtcp-mux"):]
        return f"{session}{group}m=audio{audio}{line.format(self.port)}{own}{shared}"

    def show(self, picture):
        self.send(picture, pt=VIDEO, marker=True, seq=self.video_seq, ts=3000 * self.video_seq, ssrc=self.video_ssrc)
        self.video_seq += 1

    def report(self, rtcp):
        """RTCP in clear."""
        self.rtp.sendto(self.key_out.protect_rtcp(rtcp, self.reported), self.remote)
        self.reported += 1

    def pictures(self, since=0.0):
        return [packet for packet in list(self.packets) if packet.pt == VIDEO and packet.at >= since]

    def reports(self):
        """RTCP in clear; what is forged is left out."""
        return [clear for clear in (self.key_in.unprotect_rtcp(data) for _, _, data in list(self.rtcp_packets)) if clear]

    def _keep(self, sock, data, source, tos):
        if sock is self.rtp and len(data) > 12 and data[0] >> 6 == 2 and data[1] & 0x7f == VIDEO:
            number = int.from_bytes(data[2:4], "big")
            if self.lossy and number % 5 == 0 and number not in self.lost_video:
                self.lost_video[number] = data
                return
            self.video_heard.setdefault(number, []).append(data)
        super()._keep(sock, data, source, tos)

    def _opened(self, data):
        """Each SSRC has indexes of its own."""
        ssrc = data[8:12]
        self.highest = self.highest_of.get(ssrc)
        packet = super()._opened(data)
        self.highest_of[ssrc] = self.highest
        return packet
