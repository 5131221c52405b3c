using System.Net;
using System.Net.Sockets;

namespace MeshLite.Protocol.Client;

/// <summary>
/// TCP connections, by address or by name. A lookup is a call of the C library that may hang for as long as the name servers do, and .NET makes it on a
/// thread of the pool, of which a sidecar keeps one: here it has a thread of its own, and everybody else goes on. Thread-safe.
/// </summary>
public static class TcpDialer
{
    /// <value>Lookups at once; further ones wait. 16.</value>
    private const int MaxLookups = 16;

    private static readonly SemaphoreSlim Lookups = new(MaxLookups);

    /// <summary>Connects to the first of the host's addresses that answers, in the order in which the resolver gives them; without Nagle's delay.</summary>
    /// <param name="host">A name, or an address as text.</param>
    /// <param name="port">The port.</param>
    /// <param name="cancellationToken">Ends the wait; a lookup that hangs is left to itself.</param>
    /// <exception cref="SocketException">No such host, or the last address's failure.</exception>
    public static Task<Socket> ConnectAsync(string host, int port, CancellationToken cancellationToken) => ConnectAsync(host, port, Dns.GetHostAddresses, cancellationToken);

    /// <summary>As above, by a connect of the caller's own.</summary>
    public static Task<T> ConnectAsync<T>(string host, int port, Func<IPEndPoint, CancellationToken, Task<T>> connect, CancellationToken cancellationToken) =>
        ConnectAsync(host, port, Dns.GetHostAddresses, connect, cancellationToken);

    /// <summary>Connects to an address; without Nagle's delay.</summary>
    /// <param name="address">Where to.</param>
    /// <param name="from">The address to call from; null: as the kernel chooses.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="SocketException">It failed; the socket is gone.</exception>
    public static async Task<Socket> ConnectAsync(IPEndPoint address, IPEndPoint? from, CancellationToken cancellationToken)
    {
        var socket = from is null ? new Socket(SocketType.Stream, ProtocolType.Tcp) : new Socket(from.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        socket.NoDelay = true;
        try
        {
            if (from is not null)
            {
                socket.Bind(from);
            }

            await socket.ConnectAsync(address, cancellationToken);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    internal static Task<Socket> ConnectAsync(string host, int port, Func<string, IPAddress[]> lookup, CancellationToken cancellationToken) =>
        ConnectAsync(host, port, lookup, static (address, cancellation) => ConnectAsync(address, from: null, cancellation), cancellationToken);

    private static async Task<T> ConnectAsync<T>(
        string host, int port, Func<string, IPAddress[]> lookup, Func<IPEndPoint, CancellationToken, Task<T>> connect, CancellationToken cancellationToken)
    {
        var addresses = IPAddress.TryParse(host, out var address) ? [address] : await LookUpAsync(host, lookup, cancellationToken);
        for (var i = 0; i < addresses.Length - 1; i++)
        {
            try
            {
                return await connect(new IPEndPoint(addresses[i], port), cancellationToken);
            }
            catch (SocketException)
            {
                // The next one may answer.
            }
        }

        return addresses.Length > 0 ? await connect(new IPEndPoint(addresses[^1], port), cancellationToken) : throw new SocketException((int)SocketError.HostNotFound);
    }

    private static async Task<IPAddress[]> LookUpAsync(string host, Func<string, IPAddress[]> lookup, CancellationToken cancellationToken)
    {
        await Lookups.WaitAsync(cancellationToken);
        var lookingUp = Task.Factory.StartNew(
            () =>
            {
                try
                {
                    return lookup(host);
                }
                finally
                {
                    Lookups.Release();
                }
            },
            CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        return await lookingUp.WaitAsync(cancellationToken);
    }
}
