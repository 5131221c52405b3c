using System.Buffers.Binary;
using MeshLite.Sidecar.Http2.Hpack;

namespace MeshLite.Sidecar.Http2;

/// <content>What the peer says. All of it runs on the one reader.</content>
internal sealed partial class Http2Connection
{
    private const string AfterEnd = "more after its end"; // RFC 9113 §5.1, half-closed (remote)

    private readonly HpackDecoder _decoder = new(maxTableSize: 4096);
    private readonly List<Http2Stream> _answered = [];
    private readonly OutputBuffer _block = new();
    private int _blockStream;
    private bool _blockEnds;

    private async Task FirstWordAsync(CancellationToken cancellationToken)
    {
        using var giveUp = cancellationToken.UnsafeRegister(static transport => ((Stream)transport!).Dispose(), _transport);
        try
        {
            while (await _reader.FillAsync(idle: false))
            {
                if (!_reader.TryRead(out var header, out var payload))
                {
                    continue;
                }

                if (header.Type != Http2FrameType.Settings || header.Has(Http2Flags.Ack))
                {
                    throw new Http2ConnectionException(Http2Error.ProtocolError, "no SETTINGS at first");
                }

                Handle(header, payload);
                Drain();
                return;
            }
        }
        catch (Exception) when (cancellationToken.IsCancellationRequested)
        {
            throw new OperationCanceledException(cancellationToken);
        }

        cancellationToken.ThrowIfCancellationRequested();
        throw new EndOfStreamException("it was closed");
    }

    private async Task ReadAsync()
    {
        try
        {
            while (await _reader.FillAsync(idle: IsIdle()))
            {
                Volatile.Write(ref _heard, Time.GetTimestamp());
                Drain();
            }

            Terminate(new EndOfStreamException("it was closed"));
        }
        catch (Http2ConnectionException e)
        {
            Terminate(e, e.Code);
        }
        catch (HpackException e)
        {
            Terminate(e, Http2Error.CompressionError);
        }
        catch (Exception e)
        {
            Terminate(e); // not swallowed: every stream of the connection ends with it
        }
        finally
        {
            Deliver();
            _reader.Dispose();
            _block.Release();
        }
    }

    private bool IsIdle()
    {
        lock (_gate)
        {
            return _streams.Count == 0;
        }
    }

    /// <summary>Handles all whole frames; only then are heads given to who waits for them, so that short bodies are there with them.</summary>
    private void Drain()
    {
        while (_reader.TryRead(out var header, out var payload))
        {
            Handle(header, payload);
        }

        Deliver();
    }

    private void Deliver()
    {
        foreach (var stream in _answered)
        {
            stream.Deliver();
        }

        _answered.Clear();
    }

    private void Handle(in Http2FrameHeader header, ReadOnlySpan<byte> payload)
    {
        if (_blockStream != 0 && (header.Type != Http2FrameType.Continuation || header.StreamId != _blockStream))
        {
            throw Wrong("a frame inside a header block"); // RFC 9113 §4.3
        }

        switch (header.Type)
        {
            case Http2FrameType.Data:
                OnData(header, payload);
                break;
            case Http2FrameType.Headers:
                OnHeaders(header, payload);
                break;
            case Http2FrameType.Continuation:
                OnContinuation(header, payload);
                break;
            case Http2FrameType.RstStream:
                OnReset(header, payload);
                break;
            case Http2FrameType.Settings:
                OnSettings(header, payload);
                break;
            case Http2FrameType.Ping:
                OnPing(header, payload);
                break;
            case Http2FrameType.GoAway:
                OnGoAway(header, payload);
                break;
            case Http2FrameType.WindowUpdate:
                OnWindowUpdate(header, payload);
                break;
            case Http2FrameType.PushPromise:
                throw Wrong("PUSH_PROMISE, which was not allowed"); // §6.6
            default:
                break; // PRIORITY says nothing any more (§5.3.2), and of others nobody need know (§5.5)
        }
    }

    private void OnHeaders(in Http2FrameHeader header, ReadOnlySpan<byte> payload)
    {
        var block = Unpad(header, payload);
        if (header.Has(Http2Flags.Priority))
        {
            block = block.Length < 5 ? throw Wrong("HEADERS too short for its priority") : block[5..];
        }

        if (header.Has(Http2Flags.EndHeaders))
        {
            OnBlock(header.StreamId, block, header.Has(Http2Flags.EndStream));
            return;
        }

        Find(header.StreamId);
        _blockStream = header.StreamId;
        _blockEnds = header.Has(Http2Flags.EndStream);
        _block.Append(block);
    }

    private void OnContinuation(in Http2FrameHeader header, ReadOnlySpan<byte> payload)
    {
        if (_blockStream == 0)
        {
            throw Wrong("CONTINUATION of nothing"); // §6.10
        }

        _block.Append(payload);
        if (_block.Length > Http2Limits.MaxHeaderBlock || (payload.IsEmpty && !header.Has(Http2Flags.EndHeaders)))
        {
            throw new Http2ConnectionException(Http2Error.EnhanceYourCalm, $"a header block of over {Http2Limits.MaxHeaderBlock / 1024} KiB, or without end");
        }

        if (header.Has(Http2Flags.EndHeaders))
        {
            var stream = _blockStream;
            _blockStream = 0;
            OnBlock(stream, _block.Written.Span, _blockEnds);
            _block.Release();
        }
    }

    private void OnBlock(int id, ReadOnlySpan<byte> block, bool ends)
    {
        var stream = Find(id);
        var trailers = stream?.Response is not null;
        var ended = stream is { ReceiveClosed: true };
        var head = new ResponseHead(ended ? null : stream);
        _decoder.Decode(block, ref head);
        if (stream is null)
        {
            return;
        }

        if (ended)
        {
            Refuse(stream, AfterEnd);
        }
        else if (head.Malformed is { } wrong)
        {
            Refuse(stream, wrong);
        }
        else if (trailers)
        {
            TakeTrailers(stream, ends);
        }
        else if (head.Status == 0)
        {
            Refuse(stream, "a head without ':status'");
        }
        else if (head.IsInterim)
        {
            TakeInterim(stream, head.Status, ends);
        }
        else if (!stream.TryAnswered())
        {
            Refuse(stream, "a 'content-length' that is none");
        }
        else
        {
            _answered.Add(stream);
            if (ends)
            {
                EndReceive(stream);
            }
        }
    }

    private void TakeTrailers(Http2Stream stream, bool ends)
    {
        if (ends)
        {
            EndReceive(stream);
        }
        else
        {
            Refuse(stream, "a second head");
        }
    }

    private void TakeInterim(Http2Stream stream, int status, bool ends)
    {
        if (ends)
        {
            Refuse(stream, "an interim response that ends the stream");
        }
        else if (status == 100)
        {
            stream.Continue();
        }
    }

    private void OnReset(in Http2FrameHeader header, ReadOnlySpan<byte> payload)
    {
        Expect(payload.Length == sizeof(int), "RST_STREAM");
        if (Find(header.StreamId) is not { } stream)
        {
            return;
        }

        bool complete;
        lock (_gate)
        {
            complete = stream.ReceiveClosed; // §8.1: the rest of the request is not wanted
            Remove_NeedsLock(stream);
            CloseIfDone_NeedsLock();
        }

        if (complete)
        {
            stream.StopBody();
        }
        else
        {
            var code = BinaryPrimitives.ReadUInt32BigEndian(payload);
            stream.Fail(new HttpRequestException(
                HttpRequestError.HttpProtocolError, $"The server reset the stream ({(Http2Error)code}).", new HttpProtocolException(code, $"the server reset the stream with {(Http2Error)code}", null)));
        }
    }

    private void OnSettings(in Http2FrameHeader header, ReadOnlySpan<byte> payload)
    {
        ExpectOfConnection(header, header.Has(Http2Flags.Ack) ? payload.IsEmpty : payload.Length % 6 == 0, "SETTINGS");
        if (header.Has(Http2Flags.Ack))
        {
            return;
        }

        lock (_gate)
        {
            for (; !payload.IsEmpty; payload = payload[6..])
            {
                var value = BinaryPrimitives.ReadUInt32BigEndian(payload[2..]);
                switch ((Http2Setting)BinaryPrimitives.ReadUInt16BigEndian(payload))
                {
                    case Http2Setting.MaxConcurrentStreams:
                        _maxStreams = (int)Math.Min(value, int.MaxValue);
                        break;
                    case Http2Setting.InitialWindowSize:
                        SetInitialWindow_NeedsLock(value);
                        break;
                    case Http2Setting.MaxFrameSize when value is < Http2FrameHeader.MaxLength or >= 1 << 24:
                        throw Wrong("a frame size that may not be"); // §6.5.2
                    case Http2Setting.EnablePush when value != 0:
                        throw Wrong("leave to push, which is not the server's to give"); // §6.5.2
                    default:
                        break; // larger frames are not sent, no header table is used, and extended CONNECT every sidecar has
                }
            }

            Answer_NeedsLock(Http2FrameType.Settings, default);
        }
    }

    /// <summary>The response is malformed: the stream ends, the connection does not (§8.1.1).</summary>
    private void Refuse(Http2Stream stream, string wrong, Http2Error code = Http2Error.ProtocolError)
    {
        if (Reset(stream, code))
        {
            stream.Fail(new HttpRequestException(HttpRequestError.InvalidResponse, $"The server sent {wrong}."));
        }
    }

    /// <summary>A stream that is open and whose response goes on; null: one that was. One that never was ends the connection (§5.1).</summary>
    private Http2Stream? Find(int id)
    {
        lock (_gate)
        {
            if (_streams.TryGetValue(id, out var stream))
            {
                return stream;
            }

            return (id & 1) == 0 || id > _lastId ? throw Wrong($"a frame of stream {id}, which never was") : null;
        }
    }

    private static ReadOnlySpan<byte> Unpad(in Http2FrameHeader header, ReadOnlySpan<byte> payload)
    {
        if (!header.Has(Http2Flags.Padded))
        {
            return payload;
        }

        return payload.IsEmpty || payload[0] >= payload.Length ? throw Wrong("more padding than frame") : payload[1..^payload[0]]; // §6.1
    }

    private static void Expect(bool holds, string frame)
    {
        if (!holds)
        {
            throw new Http2ConnectionException(Http2Error.FrameSizeError, $"a {frame} frame that is none");
        }
    }

    private static void ExpectOfConnection(in Http2FrameHeader header, bool holds, string frame)
    {
        if (header.StreamId != 0)
        {
            throw Wrong($"a {frame} frame of a stream");
        }

        Expect(holds, frame);
    }

    private static Http2ConnectionException Wrong(string what) => new(Http2Error.ProtocolError, what);
}
