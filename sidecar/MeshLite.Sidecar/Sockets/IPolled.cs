namespace MeshLite.Sidecar.Sockets;

/// <summary>What the <see cref="SocketPoller"/> tells.</summary>
internal interface IPolled
{
    /// <summary>There may be something to do. Whoever waits for it goes on before this returns.</summary>
    /// <param name="mayReceive">Something has come, or the peer has ended its side, or the connection is over.</param>
    /// <param name="maySend">There is room, or the connection is over.</param>
    /// <param name="mayFallShort">From now on a receive that finds less than it asked for may leave something there, of which nothing more is told.</param>
    void Tell(bool mayReceive, bool maySend, bool mayFallShort);
}
