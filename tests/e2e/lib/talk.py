# SPDX-License-Identifier: Apache-2.0
"""Calls between scripted phones that have an RTP end, as `audio`."""
import time


class Talk:
    """For a TestCase."""

    def call(self, caller, callee):
        """An answered call: (caller's dialog, callee's)."""
        out = caller.invite(callee.number, caller.audio.sdp())
        into = callee.incoming()
        into.ring()
        out.wait_provisional(180)
        into.answer(callee.audio.sdp())
        caller.audio.use(out.wait_answer())
        callee.audio.use(into.request)
        return out, into

    def tones(self, *ends, packets=30):
        """Both ways: all of it arrives, once, from where it was said to. What each heard."""
        since = time.monotonic()
        for agent, hertz in zip(ends, (440, 880)):
            agent.audio.start(hertz)
        for agent in ends:
            agent.audio.wait_packets(packets, since=since)
        for agent in ends:
            agent.audio.stop()
        time.sleep(0.1)
        heard = [agent.audio.audio(since) for agent in ends]
        for agent, hertz, all_of_it in zip(ends, (880, 440), heard):
            self.assertAlmostEqual(agent.audio.heard()[0], hertz, delta=3)
            self.assertEqual(len({packet.seq for packet in all_of_it}), len(all_of_it))
            self.assertEqual({packet.source[:2] for packet in all_of_it}, {agent.audio.remote})
        return heard
