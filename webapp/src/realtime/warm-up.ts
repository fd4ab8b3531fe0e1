/**
 * Make the browser's media engine ready while one stands at the door: the first peer connection of a page takes some 100 ms
 * of threads, codecs and certificates, which the click on "Join" then need not wait for.
 */
export async function warmUp(): Promise<void> {
  const connection = new RTCPeerConnection();
  try {
    connection.addTransceiver('audio', { direction: 'recvonly' });
    connection.addTransceiver('video', { direction: 'recvonly' });
    await connection.createOffer();
  } catch {
    // A page without WebRTC says so when it joins.
  } finally {
    connection.close();
  }
}
