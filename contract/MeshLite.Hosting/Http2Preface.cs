using System.IO.Pipelines;
using Microsoft.AspNetCore.Connections;

namespace MeshLite.Hosting;

/// <summary>
/// Waits for the preface with which an HTTP/2 connection begins (RFC 9113 §3.4) and leaves it to Kestrel, which would wait for it as long as an idle
/// connection may live. Nothing is said of its bytes: Kestrel judges them. Pure.
/// </summary>
public static class Http2Preface
{
    /// <value>From the end of the handshake to the last byte of the preface: 10 s.</value>
    public static readonly TimeSpan Timeout = TimeSpan.FromSeconds(10);

    private const int Length = 24;

    /// <summary>As a middleware; <paramref name="late"/> is told of a connection without, which is then aborted.</summary>
    public static Func<ConnectionDelegate, ConnectionDelegate> Demand(TimeProvider time, Action<ConnectionContext> late) => next => async connection =>
    {
        switch (await ArrivesAsync(connection.Transport.Input, time))
        {
            case true:
                await next(connection);
                break;
            case false:
                late(connection);
                connection.Abort(new ConnectionAbortedException("No HTTP/2 preface in time."));
                break;
        }
    };

    // True: it is there, or the caller has sent its last byte. False: it has not come in time. Null: the connection broke meanwhile.
    private static async ValueTask<bool?> ArrivesAsync(PipeReader input, TimeProvider time)
    {
        try
        {
            if (input.TryRead(out var first) && IsEnough(input, first))
            {
                return true;
            }

            using var patience = new CancellationTokenSource(Timeout, time);
            while (!IsEnough(input, await input.ReadAsync(patience.Token)))
            {
            }

            return true;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
        catch (IOException)
        {
            return null;
        }
    }

    private static bool IsEnough(PipeReader input, ReadResult read)
    {
        var enough = read.Buffer.Length >= Length || read.IsCompleted;
        input.AdvanceTo(read.Buffer.Start, enough ? read.Buffer.Start : read.Buffer.End);
        return enough;
    }
}
