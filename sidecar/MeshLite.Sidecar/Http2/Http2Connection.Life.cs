using System.Buffers.Binary;

namespace MeshLite.Sidecar.Http2;

/// <content>Whether the peer is there, and how the connection ends: gracefully, by either side's GOAWAY, or at once.</content>
internal sealed partial class Http2Connection
{
    /// <summary>Takes no further requests, and ends with the last of those it has.</summary>
    public void Dispose()
    {
        bool first;
        lock (_gate)
        {
            first = !_retired;
            _retired = true;
            CloseIfDone_NeedsLock();
        }

        if (first)
        {
            _unusable(this);
        }
    }

    private void CloseIfDone_NeedsLock()
    {
        if (_retired && !_terminated && _streams.Count == 0)
        {
            _terminated = true;
            _output.GoAway_NeedsLock(Http2Error.NoError);
            _timer?.Change(Http2Limits.PingTimeout, Timeout.InfiniteTimeSpan);
        }
    }

    /// <summary>Is it there, is it used, is it too old?</summary>
    private void Tick()
    {
        var retire = false;
        var dead = false;
        lock (_gate)
        {
            var now = Time.GetTimestamp();
            var next = _idling.IdleTimeout;
            if (_terminated)
            {
                _timer!.Dispose();
                _transport.Dispose(); // what the peer was to be told could not be written until now
                return;
            }

            var idle = _streams.Count == 0 ? Time.GetElapsedTime(_idleSince, now) : TimeSpan.Zero;
            retire = !_retired && (Time.GetElapsedTime(_opened, now) >= Http2Limits.Lifetime || idle >= _idling.IdleTimeout);
            next -= idle;
            if (_idling.Pings)
            {
                var left = Ping_NeedsLock(now);
                dead = left < TimeSpan.Zero;
                next = Shorter(next, left);
            }

            if (!dead)
            {
                _timer!.Change(next < TimeSpan.FromMilliseconds(1) ? TimeSpan.FromMilliseconds(1) : next, Timeout.InfiniteTimeSpan);
            }
        }

        if (dead)
        {
            Terminate(new IOException($"no answer to a ping within {Http2Limits.PingTimeout.TotalSeconds:0} s"));
        }
        else if (retire)
        {
            Dispose();
        }
    }

    /// <summary>Asks whether the peer is there, if it has been silent for long. Returns when to look again; below zero, it is not there.</summary>
    private TimeSpan Ping_NeedsLock(long now)
    {
        var heard = Volatile.Read(ref _heard);
        if (_pinged > heard)
        {
            var waited = Time.GetElapsedTime(_pinged, now);
            return waited >= Http2Limits.PingTimeout ? TimeSpan.MinValue : Http2Limits.PingTimeout - waited;
        }

        var silence = Time.GetElapsedTime(heard, now);
        if (silence < Http2Limits.PingDelay)
        {
            return Http2Limits.PingDelay - silence;
        }

        _pinged = Math.Max(now, heard + 1);
        _output.Frame_NeedsLock(Http2FrameType.Ping, Http2Flags.None, 0, "meshlite"u8);
        return Http2Limits.PingTimeout;
    }

    private static TimeSpan Shorter(TimeSpan one, TimeSpan other) => one < other ? one : other;

    /// <summary>The connection is over, and with it all that is on it. <paramref name="error"/>: what the peer is told, if anything.</summary>
    private void Terminate(Exception why, Http2Error? error = null)
    {
        Http2Stream[] streams;
        int flushes;
        bool usable;
        lock (_gate)
        {
            flushes = _output.Flushes;
            streams = [.. _streams.Values];
            usable = !_retired;
            _retired = true;
            if (!_terminated)
            {
                _terminated = true;
                _output.Discard_NeedsLock(); // a request that is said to be unsent does not go out before the GOAWAY
                if (error is { } code)
                {
                    _output.GoAway_NeedsLock(code);
                }
            }

            foreach (var stream in streams)
            {
                Remove_NeedsLock(stream);
            }

            _timer?.Change(Http2Limits.PingTimeout, Timeout.InfiniteTimeSpan); // time to write what the peer is told
        }

        if (error is null)
        {
            _timer?.Dispose();
            _transport.Dispose();
        }

        if (usable)
        {
            _unusable(this);
        }

        foreach (var stream in streams)
        {
            stream.Fail(stream.Flush > flushes ? new UnsentException($"the connection ended before the request was written: {why.Message}", why) : Broken(why));
        }
    }

    private static HttpRequestException Broken(Exception why) => new(HttpRequestError.ResponseEnded, $"The connection ended: {why.Message}", why);

    private void OnPing(in Http2FrameHeader header, ReadOnlySpan<byte> payload)
    {
        ExpectOfConnection(header, payload.Length == 8, "PING");
        if (!header.Has(Http2Flags.Ack))
        {
            lock (_gate)
            {
                Answer_NeedsLock(Http2FrameType.Ping, payload);
            }
        }
    }

    private void Answer_NeedsLock(Http2FrameType type, ReadOnlySpan<byte> payload)
    {
        if (_output.Pending > Http2Limits.MaxUnread)
        {
            throw new Http2ConnectionException(Http2Error.EnhanceYourCalm, "answers are asked for and not read");
        }

        _output.Frame_NeedsLock(type, Http2Flags.Ack, 0, payload);
    }

    private void OnGoAway(in Http2FrameHeader header, ReadOnlySpan<byte> payload)
    {
        ExpectOfConnection(header, payload.Length >= 8, "GOAWAY");
        var last = Http2FrameHeader.ReadStreamId(payload);
        List<Http2Stream> untouched;
        bool usable;
        lock (_gate)
        {
            usable = !_retired;
            _retired = true;
            untouched = [.. _streams.Values.Where(s => s.Id > last)];
            foreach (var stream in untouched)
            {
                Remove_NeedsLock(stream);
            }

            CloseIfDone_NeedsLock();
        }

        if (usable)
        {
            _unusable(this);
        }

        foreach (var stream in untouched)
        {
            stream.Fail(new UnsentException("the server was closing the connection"));
        }
    }
}
