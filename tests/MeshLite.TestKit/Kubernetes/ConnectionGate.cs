using System.Buffers;
using System.IO.Pipelines;
using Microsoft.AspNetCore.Connections;

namespace MeshLite.TestKit.Kubernetes;

/// <summary>Stands between the sockets and TLS: can hold back every byte in both directions, or break all connections. Thread-safe.</summary>
internal sealed class ConnectionGate
{
    private readonly Lock _lock = new();
    private readonly HashSet<ConnectionContext> _connections = [];
    private TaskCompletionSource _open = Opened();

    /// <summary>Lets nothing through.</summary>
    public void Close()
    {
        lock (_lock)
        {
            if (_open.Task.IsCompleted)
            {
                _open = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            }
        }
    }

    /// <summary>Lets everything through.</summary>
    public void Open()
    {
        lock (_lock)
        {
            _open.TrySetResult();
        }
    }

    /// <summary>Breaks what is connected now.</summary>
    public void Break()
    {
        ConnectionContext[] all;
        lock (_lock)
        {
            all = [.. _connections];
        }

        Array.ForEach(all, c => c.Abort(new ConnectionAbortedException("fault of a test")));
    }

    /// <summary>As connection middleware, before TLS.</summary>
    public async Task ServeAsync(ConnectionContext connection, ConnectionDelegate next)
    {
        lock (_lock)
        {
            _connections.Add(connection);
        }

        var socket = connection.Transport;
        var incoming = new Pipe();
        var outgoing = new Pipe();
        connection.Transport = new Duplex(incoming.Reader, outgoing.Writer);
        var pumps = Task.WhenAll(PumpAsync(socket.Input, incoming.Writer), PumpAsync(outgoing.Reader, socket.Output));
        try
        {
            await next(connection);
        }
        finally
        {
            await outgoing.Writer.CompleteAsync();
            await incoming.Reader.CompleteAsync();
            socket.Input.CancelPendingRead();
            await pumps;
            connection.Transport = socket;
            lock (_lock)
            {
                _connections.Remove(connection);
            }
        }
    }

    private async Task PumpAsync(PipeReader from, PipeWriter to)
    {
        try
        {
            while (true)
            {
                var read = await from.ReadAsync();
                await Current();
                foreach (var segment in read.Buffer)
                {
                    to.Write(segment.Span);
                }

                from.AdvanceTo(read.Buffer.End);
                if ((await to.FlushAsync()).IsCompleted || read.IsCompleted || read.IsCanceled)
                {
                    break;
                }
            }
        }
        catch (Exception error) when (error is IOException or InvalidOperationException or OperationCanceledException)
        {
        }
        finally
        {
            await to.CompleteAsync();
        }
    }

    private Task Current()
    {
        lock (_lock)
        {
            return _open.Task;
        }
    }

    private static TaskCompletionSource Opened()
    {
        var signal = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        signal.SetResult();
        return signal;
    }

    private sealed class Duplex(PipeReader input, PipeWriter output) : IDuplexPipe
    {
        public PipeReader Input => input;

        public PipeWriter Output => output;
    }
}
