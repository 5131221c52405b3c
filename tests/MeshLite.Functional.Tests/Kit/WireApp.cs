using System.Collections.Concurrent;
using MeshLite.TestKit.Apps;

namespace MeshLite.Functional.Tests.Kit;

/// <summary>
/// An application that answers with bytes the test chose, and keeps requests as they came. HTTP/1.1, keep-alive. (Connections
/// without a request are the sidecar's health checks.)
/// </summary>
internal sealed class WireApp : IAsyncDisposable
{
    private readonly TcpApp _app;
    private readonly ConcurrentQueue<WireMessage> _received = new();

    /// <summary>Calls <paramref name="answer"/> for each request; false ends the connection.</summary>
    public WireApp(Func<Wire, WireMessage, Task<bool>> answer) => _app = new TcpApp(async (socket, _) =>
    {
        using var wire = new Wire(socket);
        while (await wire.ReadMessageAsync() is { } request)
        {
            _received.Enqueue(request);
            if (!await answer(wire, request))
            {
                return;
            }
        }
    });

    /// <summary>Answers each request with the same bytes.</summary>
    public WireApp(string response)
        : this(async (wire, _) =>
        {
            await wire.SendAsync(response);
            return true;
        })
    {
    }

    public int Port => _app.Port;

    /// <summary>In the order they came.</summary>
    public IReadOnlyCollection<WireMessage> Received => _received;

    public ValueTask DisposeAsync() => _app.DisposeAsync();
}
