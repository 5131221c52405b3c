namespace MeshLite.Sidecar.Sockets;

/// <summary>What the <see cref="SocketPoller"/> tells.</summary>
internal interface IPolled
{
    /// <summary>There may be something to receive, or room to send; <paramref name="hasEnded"/>: the peer sends no more, or the connection is over. Whoever waits for that goes on before this returns.</summary>
    void Tell(bool mayReceive, bool maySend, bool hasEnded);
}
