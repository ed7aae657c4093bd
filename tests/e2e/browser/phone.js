// SPDX-License-Identifier: Apache-2.0
// A phone in a page: JsSIP with the browser's own media, and what a test wants to know of it.
"use strict";

const phone = {
    ua: null,
    host: "",           // of the node
    session: null,
    layers: undefined,  // encodings of the camera's picture in calls made; undefined: one
    most: 0,            // kbit/s of video that its SDP asks for; 0: it says nothing
    state: "new",       // of the last call: calling, ringing, talking, ended: CAUSE
    log: [],
    answers: null,      // media of incoming calls that are answered by themselves; null: they ring

    async start(server, number, password) {
        this.host = new URL(server).hostname;
        this.ua = new JsSIP.UA({
            sockets: [new JsSIP.WebSocketInterface(server)],
            uri: `sip:${number}@${this.host}`, password, register_expires: 300, session_timers: false,
            connection_recovery_min_interval: 1, connection_recovery_max_interval: 2,
        });
        this.ua.on("newRTCSession", ({originator, session}) => this.take(originator, session));
        const registered = new Promise((done, failed) => {
            this.ua.once("registered", () => done(true));
            this.ua.once("registrationFailed", (e) => failed(new Error(`not registered: ${e.cause}`)));
        });
        this.ua.start();
        return registered;
    },

    stop() {
        if (!this.ua || !this.ua.isRegistered()) return true;
        const gone = new Promise((done) => this.ua.once("unregistered", () => done(true)));
        this.ua.stop();
        return gone;
    },

    take(originator, session) {
        this.session = session;
        this.state = originator === "local" ? "calling" : "ringing";
        session.on("progress", () => this.log.push("progress"));
        session.on("confirmed", () => { this.state = "talking"; });
        session.on("ended", (e) => { this.state = `ended: ${e.cause}`; });
        session.on("failed", (e) => { this.state = `ended: ${e.cause}`; });
        session.on("peerconnection:setremotedescriptionfailed", (e) => this.log.push(`remote: ${e}`));
        session.on("sdp", (e) => {
            if (e.originator === "local" && this.most) e.sdp = e.sdp.replace(/(m=video .*\r\nc=.*\r\n)/, `$1b=AS:${this.most}\r\n`);
        });
        session.on("sdp", (e) => this.log.push(`${e.originator} ${e.type}\n${e.sdp}`));
        const watch = (connection) => {
            this.connection = connection;
            connection.addEventListener("track", (e) => this.show(e.track));
        };
        if (session.connection) {
            watch(session.connection);
            if (this.layers) this.offerLayers(session.connection);
        }
        session.on("peerconnection", (e) => watch(e.peerconnection));
        if (originator === "remote" && this.answers) session.answer(this.options(this.answers));
    },

    // JsSIP adds the camera's track by itself: as several layers of it (RFC 8853).
    offerLayers(connection) {
        const add = connection.addTrack.bind(connection);
        connection.addTrack = (track, ...streams) => track.kind !== "video" ? add(track, ...streams) :
            connection.addTransceiver(track, {direction: "sendrecv", streams, sendEncodings: this.layers}).sender;
    },

    options(media) {
        const audio = {echoCancellation: false, noiseSuppression: false, autoGainControl: false};
        const video = media.video ? {width: 320, height: 240, frameRate: 15, ...media.video} : false;
        return {mediaConstraints: {audio, video}, pcConfig: {iceServers: [], ...(media.pc || {})},
                rtcOfferConstraints: {offerToReceiveAudio: true, offerToReceiveVideo: !!media.video}};
    },

    call(target, media) {
        this.layers = media.layers;
        this.ua.call(`sip:${target}@${this.host}`, this.options(media));
    },

    // It gives its party away.
    refer(target) {
        const told = (what) => () => this.log.push(`refer ${what}`);
        this.session.refer(`sip:${target}@${this.host}`, {eventHandlers: {
            requestSucceeded: told("taken"), requestFailed: told("refused"), trying: told("trying"),
            accepted: told("accepted"), failed: told("failed")}});
    },

    // Each size that its picture had, in their order: [width, height, when it was shown, in ms since 1970].
    sizes: [],

    // What is shown from now on.
    watch() {
        const video = document.getElementById("picture");
        const look = (_, frame) => {
            const last = this.sizes[this.sizes.length - 1] || [];
            if (last[0] !== frame.width || last[1] !== frame.height)
                this.sizes.push([frame.width, frame.height, performance.timeOrigin + frame.presentationTime]);
            video.requestVideoFrameCallback(look);
        };
        video.requestVideoFrameCallback(look);
    },

    // ms since 1970 by the page's clock
    now() {
        return performance.timeOrigin + performance.now();
    },

    show(track) {
        const stream = new MediaStream([track]);
        if (track.kind === "video") {
            document.getElementById("picture").srcObject = stream;
            return;
        }
        this.player = new Audio();
        this.player.srcObject = stream;
        this.player.play().catch((e) => this.log.push(`play: ${e}`));
        this.context = this.context || new AudioContext();
        this.context.resume();
        this.analyser = this.context.createAnalyser();
        this.analyser.fftSize = 8192;
        this.analyser.smoothingTimeConstant = 0;
        this.context.createMediaStreamSource(stream).connect(this.analyser);
    },

    // The loudest frequency heard now, in Hz, and how far it stands out in dB.
    tone() {
        if (!this.analyser) return null;
        const bins = new Float32Array(this.analyser.frequencyBinCount);
        this.analyser.getFloatFrequencyData(bins);
        let best = 1;
        for (let i = 1; i < bins.length; i++) if (bins[i] > bins[best]) best = i;
        const sorted = Array.from(bins).sort((a, b) => a - b);
        return [best * this.context.sampleRate / this.analyser.fftSize, bins[best] - sorted[sorted.length >> 1]];
    },

    // One number of colour at a place of the picture, 0..1 each: [red, green, blue]; null: no picture yet.
    colour(x, y) {
        const video = document.getElementById("picture");
        if (!video.videoWidth) return null;
        const canvas = document.createElement("canvas");
        canvas.width = video.videoWidth;
        canvas.height = video.videoHeight;
        const drawn = canvas.getContext("2d");
        drawn.drawImage(video, 0, 0);
        return Array.from(drawn.getImageData(x * canvas.width, y * canvas.height, 1, 1).data).slice(0, 3);
    },

    size() {
        const video = document.getElementById("picture");
        return [video.videoWidth, video.videoHeight];
    },

    // Shows a picture of noise instead of the camera's: no encoder makes that small. part: of its rows.
    async noise(width, height, part = 1) {
        const canvas = document.createElement("canvas");
        canvas.width = width;
        canvas.height = height;
        const drawn = canvas.getContext("2d"), image = drawn.createImageData(width, height);
        const words = new Uint32Array(image.data.buffer);
        setInterval(() => {
            for (let i = 0; i < words.length * part; i++) words[i] = 0xff000000 | Math.random() * 0x1000000;
            drawn.putImageData(image, 0, 0);
        }, 66);
        const sender = this.connection.getSenders().find((s) => s.track && s.track.kind === "video");
        await sender.replaceTrack(canvas.captureStream(15).getVideoTracks()[0]);
    },

    // Sends that layer from now on, or not any more.
    async layer(rid, active) {
        const sender = this.connection.getSenders().find((s) => s.track && s.track.kind === "video");
        const parameters = sender.getParameters();
        parameters.encodings.find((e) => e.rid === rid).active = active;
        await sender.setParameters(parameters);
    },

    // Statistics of one kind, as plain objects.
    async stats(type) {
        const found = [];
        if (this.connection) (await this.connection.getStats()).forEach((s) => { if (s.type === type) found.push(s); });
        return found;
    },

    async digits(text) {
        const sender = this.connection.getSenders().find((s) => s.track && s.track.kind === "audio");
        sender.dtmf.insertDTMF(text, 100, 70);
    },
};
